/*
 * What is said at a container's socket `attach`: packets, each of a kind and what belongs to it.
 *
 *     monitor                              who is attached
 *        | HELLO flags -------------------->  at once
 *        | STDOUT, STDERR bytes ----------->
 *        | <------------------- INPUT bytes
 *        | <---------- SIZE rows, columns     u16 each, in the machine's order
 *        | <---------------------- NO_MORE    the end of its input
 *        | <-------------- NO_READER stream    of who has started it: a pipe that is closed
 *        | ENDED code --------------------->  i32
 *        | LEFT events -------------------->  to who has started it: what could not be undone
 *        | end of file -------------------->  all is undone
 *
 * Who goes closes the socket. Who does not read what is sent until the socket's buffer is full is
 * put out: no container waits for anybody but for who has started it in the foreground, and gets
 * all of its output.
 */
#ifndef PV_ATTACH_H
#define PV_ATTACH_H

#define PV_PACKET 16384 /* bytes of a packet, its kind too */

enum pv_attach_kind {
    PV_ATTACH_HELLO = 0,
    PV_ATTACH_STDOUT = 1,
    PV_ATTACH_STDERR = 2,
    PV_ATTACH_ENDED = 3,
    PV_ATTACH_LEFT = 4,
    PV_ATTACH_INPUT = 16,
    PV_ATTACH_SIZE = 17,
    PV_ATTACH_NO_MORE = 18,
    PV_ATTACH_NO_READER = 19,
};

/* The flags of HELLO. */
#define PV_ATTACH_TERMINAL 1
#define PV_ATTACH_TAKES_INPUT 2

#endif
