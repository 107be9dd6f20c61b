// A hook that writes down what it saw: one line of JSON, added to the file OUT in a single write.
// Usage: hook OUT NAME [exit CODE | sleep SECONDS | say TEXT]... Static, so that it runs in an empty
// root. With NAME comes the order; `stdin` is the container's state as the runtime gave it.

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static char line[1 << 17];
static size_t used;

static void put(const char *text) {
  size_t length = strlen(text);
  if (used + length >= sizeof line) exit(97);
  memcpy(line + used, text, length);
  used += length;
}

static void quoted(const char *text) {
  char one[8];
  put("\"");
  for (; *text != 0; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\' || c < 0x20 || c >= 0x7f) snprintf(one, sizeof one, "\\u%04x", c);
    else snprintf(one, sizeof one, "%c", c);
    put(one);
  }
  put("\"");
}

static void list(const char *name, char **words) {
  put(",");
  quoted(name);
  put(":[");
  for (char **word = words; *word != NULL; word++) {
    if (word != words) put(",");
    quoted(*word);
  }
  put("]");
}

static void field(const char *name, const char *value) {
  put(",");
  quoted(name);
  put(":");
  quoted(value);
}

static void link_field(const char *name, const char *path) {
  char target[4096];
  ssize_t length = readlink(path, target, sizeof target - 1);
  target[length < 0 ? 0 : length] = 0;
  field(name, target);
}

static void number(const char *name, unsigned long long value) {
  char digits[64];
  snprintf(digits, sizeof digits, ",\"%s\":%llu", name, value);
  put(digits);
}

static void look(char **argv) {
  static char state[1 << 15];
  size_t length = 0;
  ssize_t got;
  while ((got = read(0, state + length, sizeof state - 1 - length)) > 0) length += (size_t)got;
  char cwd[4096] = "";
  struct stat root = {0};
  put("{\"name\":");
  quoted(argv[2]);
  list("argv", argv);
  list("env", environ);
  field("stdin", state);
  field("cwd", getcwd(cwd, sizeof cwd) == NULL ? "" : cwd);
  link_field("mnt", "/proc/self/ns/mnt");
  link_field("pid", "/proc/self/ns/pid");
  link_field("net", "/proc/self/ns/net");
  link_field("ipc", "/proc/self/ns/ipc");
  link_field("uts", "/proc/self/ns/uts");
  stat("/", &root);
  number("rootDevice", root.st_dev);
  number("rootInode", root.st_ino);
  // The rootfs of the tests has a file of this name at its top.
  put(access("/this-is-the-container", F_OK) == 0 ? ",\"inside\":true}\n" : ",\"inside\":false}\n");
}

int main(int argc, char **argv) {
  if (argc < 3) return 98;
  look(argv);
  int out = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (out < 0 || write(out, line, used) != (ssize_t)used) return 99;
  int code = 0;
  for (int i = 3; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "exit") == 0) code = atoi(argv[i + 1]);
    else if (strcmp(argv[i], "sleep") == 0) sleep((unsigned)atoi(argv[i + 1]));
    else fprintf(stderr, "%s\n", argv[i + 1]);
  }
  return code;
}
