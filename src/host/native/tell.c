#include "tell.h"
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int to;

void tell_to(int socket)
{
	to = socket;
}

static void send_all(const unsigned char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(to, p, n);
		if (w < 0 && errno == EAGAIN) {
			struct pollfd wait = { to, POLLOUT, 0 };
			poll(&wait, 1, -1);
		} else if (w < 0 && errno != EINTR) {
			exit(126); /* nobody listens: the tracees end with this process */
		} else if (w > 0) {
			p += w;
			n -= (size_t)w;
		}
	}
}

void tell(uint32_t type, const void *payload, uint32_t length)
{
	unsigned char head[8];
	memcpy(head, &length, 4);
	memcpy(head + 4, &type, 4);
	send_all(head, 8);
	send_all(payload, length);
}

void tell_words(uint32_t type, int count, ...)
{
	uint32_t words[8];
	va_list list;
	va_start(list, count);
	for (int i = 0; i < count; i++)
		words[i] = va_arg(list, uint32_t);
	va_end(list);
	tell(type, words, 4 * (uint32_t)count);
}

void tell_failed(int error, const char *what)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%s: %s", what, strerror(error));
	tell(TELL_FAILED, text, (uint32_t)(n < (int)sizeof(text) ? n : (int)sizeof(text) - 1));
}

int hear(int socket, void (*asked)(uint32_t, const unsigned char *, uint32_t))
{
	static unsigned char buffer[1 << 16];
	static size_t filled;
	ssize_t got = read(socket, buffer + filled, sizeof(buffer) - filled);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		return 0;
	if (got > 0)
		filled += (size_t)got;
	size_t at = 0;
	while (filled - at >= 8) {
		uint32_t length = word(buffer + at, 0);
		if (length > sizeof(buffer) - 8)
			return 0;
		if (filled - at - 8 < length)
			break;
		asked(word(buffer + at, 4), buffer + at + 8, length);
		at += 8 + length;
	}
	memmove(buffer, buffer + at, filled - at);
	filled -= at;
	return 1;
}
