/* The socket to the Node side: framing of messages both ways. */
#ifndef TELL_H
#define TELL_H

#include <stdint.h>
#include <string.h>

void tell_to(int socket);
/* A message of `count` u32. */
void tell_words(uint32_t type, int count, ...);
void tell(uint32_t type, const void *payload, uint32_t length);
/* TELL_FAILED: what could not be started, and why. */
void tell_failed(int error, const char *what);
/* Takes what has come in; each whole message is handed on. 0 where the other side has closed. */
int hear(int socket, void (*asked)(uint32_t type, const unsigned char *payload, uint32_t length));

static inline uint32_t word(const unsigned char *p, int at)
{
	uint32_t v;
	memcpy(&v, p + at, 4);
	return v;
}
static inline uint64_t wide(const unsigned char *p, int at)
{
	uint64_t v;
	memcpy(&v, p + at, 8);
	return v;
}

#endif
