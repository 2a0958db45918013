#ifndef EXERCISES_COUNTED_NAMES_H
#define EXERCISES_COUNTED_NAMES_H

/* Put in front of a counted module by the compiler's -include; see counted.h. */

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *counted_malloc(size_t size);
void *counted_calloc(size_t n, size_t size);
void *counted_realloc(void *old, size_t size);
void *counted_aligned_alloc(size_t alignment, size_t size);
int counted_posix_memalign(void **out, size_t alignment, size_t size);
char *counted_strdup(const char *s);
char *counted_strndup(const char *s, size_t n);
int counted_asprintf(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));
int counted_vasprintf(char **out, const char *format, va_list arguments);
void counted_free(void *p);
void *counted_memcpy(void *to, const void *from, size_t n);
void *counted_memmove(void *to, const void *from, size_t n);
void *counted_memset(void *p, int c, size_t n);
int counted_memcmp(const void *a, const void *b, size_t n);
void *counted_memchr(const void *p, int c, size_t n);
size_t counted_strlen(const char *s);
size_t counted_strnlen(const char *s, size_t n);
char *counted_strcpy(char *to, const char *from);
char *counted_stpcpy(char *to, const char *from);
char *counted_strncpy(char *to, const char *from, size_t n);
char *counted_strcat(char *to, const char *from);
char *counted_strncat(char *to, const char *from, size_t n);
int counted_strcmp(const char *a, const char *b);
char *counted_strchr(const char *s, int c);

#ifndef COUNTED_C
#define malloc counted_malloc
#define calloc counted_calloc
#define realloc counted_realloc
#define aligned_alloc counted_aligned_alloc
#define posix_memalign counted_posix_memalign
#undef strdup
#define strdup counted_strdup
#undef strndup
#define strndup counted_strndup
#define asprintf counted_asprintf
#define vasprintf counted_vasprintf
#define free counted_free
#define memcpy counted_memcpy
#define memmove counted_memmove
#define memset counted_memset
#define memcmp counted_memcmp
#define memchr counted_memchr
#define strlen counted_strlen
#define strnlen counted_strnlen
#define strcpy counted_strcpy
#define stpcpy counted_stpcpy
#define strncpy counted_strncpy
#define strcat counted_strcat
#define strncat counted_strncat
#define strcmp counted_strcmp
#define strchr counted_strchr
#endif

#endif
