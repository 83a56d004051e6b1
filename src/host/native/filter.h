/* The seccomp filter that lets the supervisor see the calls of interest, and no others (seccomp(2), SECCOMP_RET_TRACE). */
#ifndef FILTER_H
#define FILTER_H

/* Sleeps are seen too, of tools whose time is the events'. */
enum { SEE_SLEEPS = 1 };

/* First number of the descriptors that stand for objects of the model; the limit of open files is raised to have room. */
int descriptor_base(void);
/* The same, once it has been found. */
int descriptor_first(void);

/* For the calling thread and what it starts. -1 and errno where the kernel refuses. */
int install_filter(int base, int see);

#endif
