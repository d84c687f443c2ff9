// Sockets for the cluster's DNS server: datagrams received and sent many at a time, which glibc declares only for
// programs that ask for its extensions, and addresses, whose structures are unions that Swift cannot name.
// Functions return 0 or a positive number on success and a negated errno on failure.
#ifndef CDNSSOCKETS_H
#define CDNSSOCKETS_H

#include <stdint.h>

/// Datagrams that are taken at a time.
#define CDNS_BATCH 64
/// A question longer than this is cut off, and then refused as malformed.
#define CDNS_QUESTION 4096
/// The longest answer in a datagram.
#define CDNS_ANSWER 1232

/// Who sent a datagram: a socket address.
struct cdns_peer {
    uint8_t bytes[28];
    uint8_t length;
};

/// Opens a socket bound to an address of 4 or 16 bytes; does not block, closed on exec.
int cdns_listen(const uint8_t *address, int length, uint16_t port, int is_stream);
/// The port that a socket is bound to.
int cdns_port(int socket);
/// Begins to connect to a server; `scope` is the name of an interface, or NULL.
int cdns_connect(const uint8_t *address, int length, uint16_t port, const char *scope, int is_stream);
/// Takes one connection; -EAGAIN: there is none.
int cdns_accept(int socket, struct cdns_peer *peer);
/// The peer's address bytes (16 are enough); returns how many, 4 or 16.
int cdns_peer_address(const struct cdns_peer *peer, uint8_t *address);

/// The buffers of one listener.
struct cdns_batch;
struct cdns_batch *cdns_batch_make(void);
void cdns_batch_free(struct cdns_batch *batch);
/// Receives what is there; returns how many.
int cdns_receive(struct cdns_batch *batch, int socket);
const uint8_t *cdns_question(const struct cdns_batch *batch, int index, int *length);
const struct cdns_peer *cdns_question_peer(struct cdns_batch *batch, int index);
/// Puts an answer to a received question aside.
void cdns_answer(struct cdns_batch *batch, int index, const uint8_t *bytes, int length);
/// Sends what was put aside. What the kernel does not take is lost, as datagrams may be.
void cdns_flush(struct cdns_batch *batch, int socket);
/// Sends one answer that came later.
int cdns_send(int socket, const struct cdns_peer *peer, const uint8_t *bytes, int length);

int cdns_poller(void);
/// `events`: 1 readable, 2 writable; 0 removes the descriptor; `is_known` if it was added before.
int cdns_watch(int poller, int descriptor, int events, uint64_t token, int is_known);
/// Waits; -1 milliseconds: for ever. Returns how many tokens are in `tokens`; each has its events (4: broken).
int cdns_wait(int poller, uint64_t *tokens, int *events, int count, int milliseconds);
int cdns_eventfd(void);

#endif
