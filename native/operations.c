/* Every operation of the catalogue, and the function that does it. */
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "calls.h"
#include "monitor.h"

int pv_do_op(struct pv_run *run, const struct pv_op *op) {
    switch ((enum pv_opcode)op->code) {
    case PV_MKDIR:
        return pv_do_mkdir(run, &op->mkdir);
    case PV_WRITE:
        return pv_do_write(run, &op->write);
    case PV_WRITE_BYTES:
        return pv_do_write_bytes(run, &op->write_bytes);
    case PV_SYMLINK:
        return pv_do_symlink(run, &op->symlink);
    case PV_REMOVE:
        return pv_do_remove(run, &op->remove);
    case PV_REMOVE_CGROUP:
        return pv_do_remove_cgroup(run, &op->remove_cgroup);
    case PV_DEVICE_FILTER:
        return pv_do_device_filter(run, &op->device_filter);
    case PV_WRITE_PID:
        return pv_do_write_pid(run, &op->write_pid);
    case PV_LOCK:
        return pv_do_lock(run, &op->lock);
    case PV_OPEN:
        return pv_do_open(run, &op->open);
    case PV_CLONE:
        return pv_do_clone(run, &op->clone);
    case PV_SETNS:
        return pv_do_setns(run, &op->setns);
    case PV_UNSHARE:
        return pv_result(unshare((int)op->unshare.namespaces));
    case PV_USER_OVERLAY:
        return pv_do_user_overlay(run, &op->user_overlay);
    case PV_USER_COPY:
        return pv_do_user_copy(run, &op->user_copy);
    case PV_OWN_PIPES:
        return pv_do_own_pipes(run, &op->own_pipes);
    case PV_OWNERS_INSIDE:
        return pv_do_owners_inside(run, &op->owners_inside);
    case PV_OWN:
        return pv_do_own(run, &op->own);
    case PV_BECOME_ROOT:
        return pv_do_become_root(run);
    case PV_SETHOSTNAME:
        return pv_result(sethostname(op->sethostname.name, strlen(op->sethostname.name)));
    case PV_SETDOMAINNAME:
        return pv_result(setdomainname(op->setdomainname.name, strlen(op->setdomainname.name)));
    case PV_INTERFACE_UP:
        return pv_do_interface_up(&op->interface_up);
    case PV_MOVE_INTERFACE:
        return pv_do_move_interface(run, &op->move_interface);
    case PV_MOUNT:
        return pv_do_mount(run, &op->mount);
    case PV_BIND:
        return pv_do_bind(run, &op->bind);
    case PV_BORROW:
        return pv_do_borrow(run, &op->borrow);
    case PV_ATTACH:
        return pv_do_attach(run, &op->attach);
    case PV_MOUNT_SETATTR:
        return pv_do_mount_setattr(run, &op->mount_setattr);
    case PV_MASK:
        return pv_do_mask(run, &op->mask);
    case PV_READONLY:
        return pv_do_readonly(run, &op->readonly);
    case PV_MKNOD:
        return pv_do_mknod(run, &op->mknod);
    case PV_PIVOT_ROOT:
        return pv_do_pivot_root(&op->pivot_root);
    case PV_UMOUNT:
        return pv_do_umount(&op->umount);
    case PV_MOVE:
        return pv_do_move(&op->move);
    case PV_CHROOT:
        return pv_result(chroot(op->chroot.path));
    case PV_ENTER_ROOT:
        return pv_do_enter_root(run, &op->enter_root);
    case PV_CHDIR:
        return pv_do_chdir(run, &op->chdir);
    case PV_CONSOLE:
        return pv_do_console(run, &op->console);
    case PV_PIPES:
        return pv_do_pipes(run, &op->pipes);
    case PV_STDIO:
        return pv_do_stdio(run, &op->stdio);
    case PV_SETSID:
        return pv_do_setsid(&op->setsid);
    case PV_SETRLIMIT:
        return pv_do_setrlimit(run, &op->setrlimit);
    case PV_UMASK:
        umask(op->umask.mask);
        return 0;
    case PV_PERSONALITY:
        return pv_result(personality(op->personality.persona));
    case PV_SET_USER:
        return pv_do_set_user(run, &op->set_user);
    case PV_CAPBSET:
        return pv_do_capbset(&op->capbset);
    case PV_CAPSET:
        return pv_do_capset(run, &op->capset);
    case PV_NO_NEW_PRIVS:
        return pv_result(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    case PV_SECCOMP:
        return pv_do_seccomp(run, &op->seccomp);
    case PV_CLOSE_FDS:
        return pv_do_close_fds(run, &op->close_fds);
    case PV_INIT:
        return pv_do_init(run);
    case PV_EXEC:
        return pv_do_exec(run, &op->exec);
    case PV_SUPERVISE:
        return pv_do_supervise(run, &op->supervise);
    case PV_DETACH:
        return pv_do_detach(run, &op->detach);
    case PV_LOG:
        return pv_do_log(run, &op->log);
    case PV_ATTACHABLE:
        return pv_do_attachable(run, &op->attachable);
    case PV_TAKE_PART:
        return pv_do_take_part(run, &op->take_part);
    case PV_HEALTH:
        return pv_do_health(&op->health);
    case PV_AFTERWARDS:
        return pv_do_afterwards(&op->afterwards);
    case PV_SLEEP:
        return pv_do_sleep(run, &op->sleep);
    case PV_APPEND:
        return pv_do_append(run, &op->append);
    case PV_LISTEN:
        return pv_do_listen(run, &op->listen);
    case PV_OUTLIVE:
        return pv_do_outlive(run);
    case PV_WAIT_START:
        return pv_do_wait_start(run, &op->wait_start);
    case PV_LEAVE:
        return pv_do_leave(run);
    case PV_START:
        return pv_do_start(run, &op->start);
    case PV_PROCESS:
        return pv_do_process(run, &op->process);
    case PV_SIGNAL:
        return pv_do_signal(run, &op->signal);
    case PV_SIGNAL_CGROUP:
        return pv_do_signal_cgroup(run, &op->signal_cgroup);
    case PV_FREEZE:
        return pv_do_freeze(run, &op->freeze);
    case PV_ASK_SYSTEMD:
        return pv_do_ask_systemd(run, &op->ask_systemd);
    case PV_HOOK:
        return pv_do_hook(run, &op->hook);
    case PV_CRIU_CHILD:
        return pv_do_criu_child(run);
    case PV_CRIU_REST:
        return pv_do_criu_rest(run, &op->criu_rest);
    case PV_CRIU:
        return pv_do_criu(run, &op->criu);
    case PV_DUE:
        return 0;
    case PV_FIND_PROGRAM:
        return pv_do_find_program(run, &op->find_program);
    case PV_SEND_TERMINAL:
        return pv_do_send_terminal(run, &op->send_terminal);
    case PV_USER_NAMESPACE:
        return pv_do_user_namespace(run, &op->user_namespace);
    case PV_IDMAP:
        return pv_do_idmap(run, &op->idmap);
    case PV_RECONFIGURE:
        return pv_do_reconfigure(run, &op->reconfigure);
    case PV_COPY_UP:
        return pv_do_copy_up(run, &op->copy_up);
    case PV_VOLUME:
        return pv_do_volume(run, &op->volume);
    case PV_LEAVE_VOLUME:
        return pv_do_leave_volume(run, &op->leave_volume);
    case PV_FILL:
        return pv_do_fill(run, &op->fill);
    case PV_SECCOMP_AGENT:
        return pv_do_seccomp_agent(run, &op->seccomp_agent);
    case PV_SCHEDULER:
        return pv_do_scheduler(run, &op->scheduler);
    case PV_IO_PRIORITY:
        return pv_do_io_priority(run, &op->io_priority);
    case PV_MEMORY_POLICY:
        return pv_do_memory_policy(&op->memory_policy);
    case PV_SCHED_AFFINITY:
        return pv_do_sched_affinity(run, &op->sched_affinity);
    case PV_BORROW_ROOT:
        return pv_do_borrow_root(run, &op->borrow_root);
    case PV_PACK:
        return pv_do_pack(run, &op->pack);
    case PV_UNPACK:
        return pv_do_unpack(run, &op->unpack);
    case PV_LIST_CHANGES:
        return pv_do_list_changes(run, &op->list_changes);
    case PV_NETWORK_SETUP:
        return pv_do_network_setup(run, &op->network_setup);
    case PV_NETWORK_TEARDOWN:
        return pv_do_network_teardown(run, &op->network_teardown);
    case PV_RESERVE_PORT:
        return pv_do_reserve_port(run, &op->reserve_port);
    case PV_PASTA:
        return pv_do_pasta(run, &op->pasta);
    case PV_EGRESS_RULES:
        return pv_do_egress_rules(run, &op->egress_rules);
    case PV_EGRESS_GUARD:
        return pv_do_egress_guard(run, &op->egress_guard);
    case PV_FOLLOW_RESOLVER:
        return pv_do_follow_resolver(run, &op->follow_resolver);
    case PV_PAUSE:
        return pv_do_pause(run);
    }
    return -ENOSYS;
}
