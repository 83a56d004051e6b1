/* The seccomp filter that lets the supervisor see the calls of interest, and no others (seccomp(2), SECCOMP_RET_TRACE). */
#ifndef FILTER_H
#define FILTER_H

/* What is seen of clocks and sleeps: nothing, or all, for tools that run on the model's time. */
enum { SEE_CLOCKS = 1 };

/* First number of the descriptors that stand for objects of the model; the limit of open files is raised to have room. */
int descriptor_base(void);
/* The same, once it has been found. */
int descriptor_first(void);

/* For the calling thread and what it starts. -1 and errno where the kernel refuses. */
int install_filter(int base, int see);

#endif
