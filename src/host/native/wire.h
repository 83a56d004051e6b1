/*
 * Messages between the supervisor and the Node side: a header of two u32 (length of what follows, type), then the fields
 * below, little endian, without padding. src/host/wire.ts is the other half.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdint.h>

/* what the supervisor tells */
enum {
	TELL_CALL = 1,   /* u32 tid, u32 tgid, u64 nr, u64 args[6], then the path that the call names, if it names one */
	TELL_DONE = 2,   /* u32 tid, u32 count, s64 results[count]: a script has run */
	TELL_CHILD = 3,  /* u32 parent tid, u32 tid, u32 tgid: the same tgid as the parent's is a thread */
	TELL_EXEC = 4,   /* u32 tgid */
	TELL_EXIT = 5,   /* u32 tid, u32 tgid, u32 wait status */
	TELL_IDLE = 6,   /* u32 tid, u32 tgid, u64 nr: it is about to wait for its rings */
	TELL_OWN = 7,    /* u32 tag, s32 descriptor of the supervisor's own, or -errno */
	TELL_FAILED = 8, /* text: COMMAND could not be started */
};

/* what the Node side asks */
enum {
	ASK_GO = 1,     /* u32 tid: the call runs as it is */
	ASK_RETURN = 2, /* u32 tid, s64 value: the call does not run and gives this */
	ASK_SCRIPT = 3, /* u32 tid, u32 flags, s32 result, u32 count, steps, then bytes for the caller's memory */
	ASK_GRAB = 4,   /* u32 tag, u32 tgid, s32 fd: a duplicate of a descriptor of the tracee's */
	ASK_MEMFD = 5,  /* u32 tag, u64 size */
	ASK_FIFO = 6,   /* u32 tag, then a path: a named pipe there */
	ASK_SIGNAL = 7, /* s32 own: the eventfd becomes readable */
	ASK_CLEAR = 8,  /* s32 own: and unreadable */
	ASK_RING = 9,   /* u32 tgid, s32 own eventfd, s32 own memory, u64 at of the consumer's position, u64 at of the producer's */
	ASK_DROP = 10,  /* s32 own: closed, and its ring forgotten */
	ASK_KILL = 11,  /* u32 signal: every tracee gets it */
	ASK_CLOCK = 13, /* a path: the page of the clock (clock.c); the command begins when it is there */
	ASK_PENDING = 12, /* u32 tag, then a path: bytes in that named pipe, told as an own descriptor is */
};

/*
 * A script is a list of system calls that the stopped thread makes in place of its own. A step is u64 nr, u64 args[6],
 * s32 refs[6]: REF_NONE, REF_DATA (the argument is an offset into the script's bytes), or a step whose result it is.
 * The first step that fails ends the script. `result` is the step whose result the caller sees, a failed step's first.
 */
enum { REF_NONE = -1, REF_DATA = -2 };
enum { SCRIPT_HOLD = 1 }; /* the thread stays stopped afterwards, until another word */
enum { MAX_STEPS = 8, MAX_DATA = 4096 + 256 };

struct __attribute__((packed)) step {
	uint64_t nr;
	uint64_t args[6];
	int32_t refs[6];
};

#endif
