/* apart.c: networks do not reach one another. */
#ifndef PV_APART_H
#define PV_APART_H

/*
 * From now on nothing goes from this bridge to another network's, or from there to it; also twice.
 * -EOPNOTSUPP: the kernel has no nf_tables.
 */
int pv_keep_apart(const char *bridge);
/*
 * Bridges that are not there any more are forgotten, and the rules with the last of them. -EAGAIN:
 * others change rules all the time.
 */
int pv_forget_bridges(void);

#endif
