/*
 * A nudge from a command to the runner: "the database has changed, look now". A datagram socket
 * beside the database, PATH.sock; the datagram says nothing but that. A lost one costs a second:
 * the runner also looks by itself.
 */
#ifndef VIGIL_STORE_POKE_H
#define VIGIL_STORE_POKE_H

#include "base/fault.h"

/* Never waits, and says nothing where no one listens. */
void poke_send(const char *path);

/* A non-blocking descriptor that becomes readable; -1 and a fault. Only for the holder of the
 * runner's lock: whatever socket lies there is replaced. */
int poke_listen(const char *path, struct fault *);
void poke_drain(int fd);
void poke_close(const char *path, int fd); /* and the socket is gone from the folder */

#endif
