/* Where overlayfs keeps its notes; see overlay.c. */
#ifndef PV_OVERLAY_H
#define PV_OVERLAY_H

/* Found out once: to be asked before the root is changed, since /proc answers. */
int pv_is_in_user_namespace(void);

/* What the names of overlayfs's own attributes begin with. */
const char *pv_overlay_notes(void);

#endif
