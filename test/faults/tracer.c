// Watches a command's system calls, and makes one of them fail, or a kill follow it.
//
//   tracer REPORT SECONDS list|list-changes COMMAND...
//   tracer REPORT SECONDS fail PROCESS NAME NUMBER ERRNO COMMAND...
//   tracer REPORT SECONDS kill|kill-all PROCESS NAME NUMBER COMMAND...
//
// PROCESS names a process by who forked it: `0` is the command's first, `0.2` the second that it forked.
// NUMBER counts its calls of that name from 1; so a point is the same one in each run of the same
// command, however the processes take turns and into how many pieces a pipe's bytes fall. Followed are
// the launcher, the executor and init, until they become another program. Of PROGRAM, the compiled
// command line, calls count that change files, if TRACE_PROGRAM=1; else it is let go, as is what runs
// in containers. Only calls count that calls.h lists.
//
// REPORT is written at the end: `call PROCESS NAME NUMBER ERRNO,ERRNO` for each (list), `met` when the
// point was reached, and `ended CODE` | `ended signal N` | `timeout`. The tracer exits with 0 then.
// It goes on until all followed processes have ended, or with TRACE_LET_GO=1 until the command has, and
// lets the others go then. All are killed when SECONDS are over. x86-64.

#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"

#define PROCESSES 256
#define NAME 96
#define CALLS (sizeof calls / sizeof *calls)

enum mode { LIST, LIST_CHANGES, FAIL, KILL, KILL_ALL };

struct process {
  pid_t pid; // 0: free
  char name[NAME];
  unsigned calls[CALLS], children;
  bool has_begun; // the first: has executed the command, and is no copy of us any more
  bool is_program;
};

struct thread {
  pid_t tid; // 0: free
  struct process *process; // NULL: it stopped before its parent's event told whose it is
  bool is_within;          // a call that is to fail, or to be killed after
};

static struct process processes[PROCESSES];
static struct thread threads[PROCESSES * 4];
static enum mode mode;
static const char *point_process = "";
static const struct call *point_call;
static unsigned point_number;
static int point_errno;
static bool is_met, follows_program, lets_go, is_letting_go, is_late;
static FILE *report;

static void fail(const char *what) {
  perror(what);
  exit(2);
}

static struct thread *thread_of(pid_t tid) {
  struct thread *free = NULL;
  for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
    if (threads[i].tid == tid) return &threads[i];
    if (!free && threads[i].tid == 0) free = &threads[i];
  }
  if (!free) exit(3);
  *free = (struct thread){.tid = tid};
  return free;
}

static struct process *new_process(pid_t pid, const char *name) {
  for (size_t i = 0; i < PROCESSES; i++) {
    if (processes[i].pid != 0) continue;
    processes[i] = (struct process){.pid = pid};
    snprintf(processes[i].name, NAME, "%s", name);
    return &processes[i];
  }
  exit(3);
}

static void forget(pid_t tid) {
  struct thread *thread = thread_of(tid);
  if (thread->process && thread->process->pid == tid) thread->process->pid = 0;
  thread->tid = 0;
}

static void resume(pid_t tid, int signal) { ptrace(PTRACE_SYSCALL, tid, 0, signal); }

static void let_go(pid_t tid, int signal) {
  ptrace(PTRACE_DETACH, tid, 0, signal);
  forget(tid);
}

static void kill_followed(void) {
  for (size_t i = 0; i < PROCESSES; i++)
    if (processes[i].pid) kill(processes[i].pid, SIGKILL);
}

static void on_alarm(int signal) {
  (void)signal;
  is_late = true;
  kill_followed();
  alarm(1);
}

// ── who is who ──────────────────────────────────────────────────────────────────────────────────
static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), tail = strlen(end);
  return length >= tail && strcmp(text + length - tail, end) == 0;
}

static void link_of(pid_t pid, const char *what, char *text, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
  ssize_t n = readlink(path, text, size - 1);
  text[n < 0 ? 0 : n] = '\0';
}

static void after_exec(pid_t tid, struct thread *thread) {
  char exe[4096];
  link_of(tid, "exe", exe, sizeof exe);
  // The other threads are gone, and this one has the process's number.
  bool is_program = ends_with(exe, "/pivot-program");
  bool is_ours = strstr(exe, "memfd:pivot-executor") || ends_with(exe, "/build/pivot");
  if (thread->process) {
    thread->process->is_program = is_program;
    thread->process->has_begun = true;
  }
  if (is_ours || (is_program && follows_program)) resume(tid, 0);
  else let_go(tid, 0);
}

static pid_t group_of(pid_t tid) {
  char path[64], line[256];
  int pid = tid;
  snprintf(path, sizeof path, "/proc/%d/status", tid);
  FILE *file = fopen(path, "r");
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "Tgid: %d", &pid) == 1) break;
  if (file) fclose(file);
  return pid;
}


static void adopt(pid_t tid, struct process *parent) {
  struct thread *thread = thread_of(tid);
  pid_t pid = group_of(tid);
  if (pid == parent->pid) {
    thread->process = parent;
  } else {
    char name[NAME + 16];
    snprintf(name, sizeof name, "%s.%u", parent->name, ++parent->children);
    thread->process = new_process(tid, name);
    thread->process->is_program = parent->is_program;
    thread->process->has_begun = true;
  }
}

// ── calls ───────────────────────────────────────────────────────────────────────────────────────
static bool is_file(pid_t tid, int fd) {
  char what[32], target[4096];
  snprintf(what, sizeof what, "fd/%d", fd);
  link_of(tid, what, target, sizeof target);
  return target[0] == '/' && strncmp(target, "/dev/", 5) != 0 && strncmp(target, "/proc/", 6) != 0 &&
         strncmp(target, "/memfd:", 7) != 0;
}

// A call of the program counts when it changes a file: its runtime does a thousand others.
static bool changes_files(pid_t tid, const struct user_regs_struct *regs) {
  switch (regs->orig_rax) {
  case SYS_open:
    return regs->rsi & (O_CREAT | O_TRUNC);
  case SYS_openat:
    return regs->rdx & (O_CREAT | O_TRUNC);
  case SYS_write:
  case SYS_pwrite64:
  case SYS_writev:
  case SYS_pwritev:
  case SYS_sendfile:
  case SYS_ftruncate:
  case SYS_fallocate:
  case SYS_fchmod:
  case SYS_fchown:
    return is_file(tid, (int)regs->rdi);
  case SYS_copy_file_range:
    return is_file(tid, (int)regs->rdx);
  case SYS_clone:
  case SYS_clone3:
  case SYS_execve:
  case SYS_openat2:
    return false;
  default:
    return true;
  }
}

// What a descriptor leads to says what can happen to it: a pipe has no disk.
static bool is_plausible(long number, int error, bool of_file) {
  if (number == SYS_read || number == SYS_readv) return of_file ? error != EINTR : error == EINTR;
  if (number == SYS_write || number == SYS_writev) return of_file;
  return true;
}

static void list(const struct process *process, const struct call *call, bool of_file) {
  fprintf(report, "call %s %s %u ", process->name, call->name, process->calls[call - calls]);
  for (int i = 0; i < 4 && call->errors[i]; i++)
    if (is_plausible(call->number, call->errors[i], of_file))
      fprintf(report, "%s,", strerrorname_np(call->errors[i]));
  fputs("\n", report);
}

static void on_entry(pid_t tid, struct thread *thread, struct user_regs_struct *regs) {
  struct process *process = thread->process;
  const struct call *call = call_of((long)regs->orig_rax);
  if (!call || !process->has_begun) return;
  if ((process->is_program && (!call->changes || !changes_files(tid, regs))))
    return;
  unsigned number = ++process->calls[call - calls];
  if (mode == LIST || (mode == LIST_CHANGES && call->changes)) {
    char target[64], what[32];
    snprintf(what, sizeof what, "fd/%d", (int)regs->rdi);
    link_of(tid, what, target, sizeof target);
    list(process, call, target[0] == '/');
  }
  if (is_met || call != point_call || number != point_number ||
      strcmp(process->name, point_process) != 0)
    return;
  is_met = true;
  thread->is_within = true;
  // close(2) has closed the descriptor when it fails; other calls that fail have done nothing.
  if (mode != FAIL || call->number == SYS_close) return;
  regs->orig_rax = (unsigned long long)-1;
  ptrace(PTRACE_SETREGS, tid, 0, regs);
}

static void on_exit_of_call(pid_t tid, struct thread *thread, struct user_regs_struct *regs) {
  thread->is_within = false;
  if (mode == FAIL) {
    regs->rax = (unsigned long long)(long long)-point_errno;
    ptrace(PTRACE_SETREGS, tid, 0, regs);
  } else if (mode == KILL_ALL) {
    kill_followed();
  } else {
    kill(thread->process->pid, SIGKILL);
  }
}

static void on_call(pid_t tid) {
  struct thread *thread = thread_of(tid);
  struct __ptrace_syscall_info info;
  struct user_regs_struct regs;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) > 0 && thread->process &&
      ptrace(PTRACE_GETREGS, tid, 0, &regs) == 0) {
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) on_entry(tid, thread, &regs);
    else if (info.op == PTRACE_SYSCALL_INFO_EXIT && thread->is_within)
      on_exit_of_call(tid, thread, &regs);
  }
  resume(tid, 0);
}

static void on_stop(pid_t tid, int status) {
  int signal = WSTOPSIG(status), event = status >> 16;
  struct thread *thread = thread_of(tid);
  unsigned long message = 0;
  if (is_letting_go) {
    let_go(tid, event == 0 && (signal & 0x80) == 0 ? signal : 0);
    return;
  }
  switch (event) {
  case 0:
    if (signal == (SIGTRAP | 0x80)) on_call(tid);
    else resume(tid, signal);
    return;
  case PTRACE_EVENT_FORK:
  case PTRACE_EVENT_VFORK:
  case PTRACE_EVENT_CLONE:
    if (ptrace(PTRACE_GETEVENTMSG, tid, 0, &message) == 0 && thread->process) {
      // It may have stopped before: then it has waited for us to know whose it is.
      bool waits = false;
      for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
        waits |= threads[i].tid == (pid_t)message;
      adopt((pid_t)message, thread->process);
      if (waits) resume((pid_t)message, 0);
    }
    resume(tid, 0);
    return;
  case PTRACE_EVENT_EXEC:
    if (ptrace(PTRACE_GETEVENTMSG, tid, 0, &message) == 0 && (pid_t)message != tid && message)
      thread_of((pid_t)message)->tid = 0;
    after_exec(tid, thread);
    return;
  case PTRACE_EVENT_STOP:
    if (signal != SIGTRAP) ptrace(PTRACE_LISTEN, tid, 0, 0);
    else if (thread->process) resume(tid, 0);
    return;
  default:
    resume(tid, 0);
  }
}

static pid_t start(char **command) {
  int go[2];
  if (pipe2(go, O_CLOEXEC) < 0) fail("pipe2");
  pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    char byte;
    if (read(go[0], &byte, 1) != 1) _exit(2);
    execv(command[0], command);
    fail(command[0]);
  }
  long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                 PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SEIZE, pid, 0, options) < 0) fail("PTRACE_SEIZE");
  thread_of(pid)->process = new_process(pid, "0");
  if (write(go[1], "", 1) != 1 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0) fail("start");
  close(go[0]);
  close(go[1]);
  return pid;
}

static bool is_any_followed(void) {
  for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
    if (threads[i].tid) return true;
  return false;
}

int main(int argc, char **argv) {
  static const char *const modes[] = {"list", "list-changes", "fail", "kill", "kill-all"};
  int at = 3;
  const char *word = argc > 4 ? argv[at++] : "";
  for (mode = LIST; mode < KILL_ALL && strcmp(word, modes[mode]) != 0;) mode++;
  if (argc < 5 + (mode >= FAIL ? 3 : 0) + (mode == FAIL)) return 2;
  if (mode >= FAIL) {
    point_process = argv[at++];
    point_call = call_named(argv[at++]);
    point_number = (unsigned)atoi(argv[at++]);
    if (!point_call) return 2;
  }
  if (mode == FAIL) {
    const char *name = argv[at++];
    while (++point_errno < 256)
      if (strerrorname_np(point_errno) && strcmp(strerrorname_np(point_errno), name) == 0) break;
  }
  follows_program = getenv("TRACE_PROGRAM") != NULL;
  unsetenv("TRACE_PROGRAM");
  lets_go = getenv("TRACE_LET_GO") != NULL;
  unsetenv("TRACE_LET_GO");
  report = fopen(argv[1], "we");
  if (!report) fail(argv[1]);
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);
  pid_t first = start(argv + at);
  int end = -1;
  alarm((unsigned)atoi(argv[2]));
  while (is_any_followed() || end < 0) {
    int status;
    pid_t tid = waitpid(-1, &status, __WALL);
    if (tid < 0 && errno == EINTR) continue;
    if (tid < 0) break;
    if (WIFSTOPPED(status)) {
      on_stop(tid, status);
      continue;
    }
    if (tid == first) end = status;
    forget(tid);
    if (tid != first || !lets_go) continue;
    is_letting_go = true;
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
      if (threads[i].tid) ptrace(PTRACE_INTERRUPT, threads[i].tid, 0, 0);
  }
  if (is_met) fputs("met\n", report);
  if (is_late) fputs("timeout\n", report);
  else if (WIFEXITED(end)) fprintf(report, "ended %d\n", WEXITSTATUS(end));
  else fprintf(report, "ended signal %d\n", WTERMSIG(end));
  return 0;
}
