#define _GNU_SOURCE
#include "CDNSSockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert(sizeof(struct sockaddr_in6) <= sizeof(((struct cdns_peer *)0)->bytes), "a peer holds either family");

static socklen_t fill(struct sockaddr_storage *storage, const uint8_t *address, int length, uint16_t port) {
    memset(storage, 0, sizeof *storage);
    if (length == 4) {
        struct sockaddr_in *four = (struct sockaddr_in *)storage;
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        memcpy(&four->sin_addr, address, 4);
        return sizeof *four;
    }
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)storage;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    memcpy(&six->sin6_addr, address, 16);
    return sizeof *six;
}

int cdns_listen(const uint8_t *address, int length, uint16_t port, int is_stream) {
    struct sockaddr_storage storage;
    socklen_t size = fill(&storage, address, length, port);
    int one = 1, buffer = 4 << 20;
    int fd = socket(storage.ss_family, (is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    if (length == 16) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (is_stream) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    } else if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0) {
        // As large as the machine's limit lets it be.
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    }
    if (bind(fd, (struct sockaddr *)&storage, size) != 0 || (is_stream && listen(fd, 256) != 0)) {
        int result = -errno;
        close(fd);
        return result;
    }
    return fd;
}

int cdns_port(int socket) {
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    if (getsockname(socket, (struct sockaddr *)&storage, &size) != 0) return -errno;
    if (storage.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&storage)->sin_port);
    return ntohs(((struct sockaddr_in6 *)&storage)->sin6_port);
}

int cdns_connect(const uint8_t *address, int length, uint16_t port, const char *scope, int is_stream) {
    struct sockaddr_storage storage;
    socklen_t size = fill(&storage, address, length, port);
    int one = 1;
    if (length == 16 && scope != NULL) ((struct sockaddr_in6 *)&storage)->sin6_scope_id = if_nametoindex(scope);
    int fd = socket(storage.ss_family, (is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    if (is_stream) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&storage, size) != 0 && errno != EINPROGRESS) {
        int result = -errno;
        close(fd);
        return result;
    }
    return fd;
}

int cdns_accept(int socket, struct cdns_peer *peer) {
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    int one = 1;
    int fd = accept4(socket, (struct sockaddr *)&storage, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return -errno;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    peer->length = (uint8_t)(size < sizeof peer->bytes ? size : sizeof peer->bytes);
    memcpy(peer->bytes, &storage, peer->length);
    return fd;
}

int cdns_peer_address(const struct cdns_peer *peer, uint8_t *address) {
    struct sockaddr_in6 six;
    struct sockaddr_in four;
    if (peer->length == sizeof four) {
        memcpy(&four, peer->bytes, sizeof four);
        memcpy(address, &four.sin_addr, 4);
        return 4;
    }
    memcpy(&six, peer->bytes, sizeof six);
    memcpy(address, &six.sin6_addr, 16);
    return 16;
}

struct cdns_batch {
    struct mmsghdr questions[CDNS_BATCH];
    struct mmsghdr answers[CDNS_BATCH];
    struct iovec question_vectors[CDNS_BATCH];
    struct iovec answer_vectors[CDNS_BATCH];
    struct cdns_peer peers[CDNS_BATCH];
    uint8_t question_bytes[CDNS_BATCH][CDNS_QUESTION];
    uint8_t answer_bytes[CDNS_BATCH][CDNS_ANSWER];
    unsigned int answer_count;
};

struct cdns_batch *cdns_batch_make(void) {
    struct cdns_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL) abort();
    for (int index = 0; index < CDNS_BATCH; index++) {
        batch->question_vectors[index] = (struct iovec){batch->question_bytes[index], CDNS_QUESTION};
        batch->questions[index].msg_hdr.msg_iov = &batch->question_vectors[index];
        batch->questions[index].msg_hdr.msg_iovlen = 1;
        batch->questions[index].msg_hdr.msg_name = batch->peers[index].bytes;
        batch->answer_vectors[index].iov_base = batch->answer_bytes[index];
        batch->answers[index].msg_hdr.msg_iov = &batch->answer_vectors[index];
        batch->answers[index].msg_hdr.msg_iovlen = 1;
    }
    return batch;
}

void cdns_batch_free(struct cdns_batch *batch) {
    free(batch);
}

int cdns_receive(struct cdns_batch *batch, int socket) {
    for (int index = 0; index < CDNS_BATCH; index++)
        batch->questions[index].msg_hdr.msg_namelen = sizeof batch->peers[index].bytes;
    int count = recvmmsg(socket, batch->questions, CDNS_BATCH, 0, NULL);
    if (count < 0) return -errno;
    for (int index = 0; index < count; index++)
        batch->peers[index].length = (uint8_t)batch->questions[index].msg_hdr.msg_namelen;
    batch->answer_count = 0;
    return count;
}

const uint8_t *cdns_question(const struct cdns_batch *batch, int index, int *length) {
    *length = (int)batch->questions[index].msg_len;
    return batch->question_bytes[index];
}

const struct cdns_peer *cdns_question_peer(struct cdns_batch *batch, int index) {
    return &batch->peers[index];
}

void cdns_answer(struct cdns_batch *batch, int index, const uint8_t *bytes, int length) {
    unsigned int next = batch->answer_count;
    if (length > CDNS_ANSWER || next >= CDNS_BATCH) return;
    memcpy(batch->answer_bytes[next], bytes, (size_t)length);
    batch->answer_vectors[next].iov_len = (size_t)length;
    batch->answers[next].msg_hdr.msg_name = batch->peers[index].bytes;
    batch->answers[next].msg_hdr.msg_namelen = batch->peers[index].length;
    batch->answer_count = next + 1;
}

void cdns_flush(struct cdns_batch *batch, int socket) {
    unsigned int sent = 0;
    while (sent < batch->answer_count) {
        int count = sendmmsg(socket, batch->answers + sent, batch->answer_count - sent, 0);
        if (count > 0) sent += (unsigned int)count;
        else if (errno == EAGAIN || errno == EWOULDBLOCK) break;
        // The first could not be sent, such as to an address that is gone; the others can.
        else if (errno != EINTR) sent += 1;
    }
    batch->answer_count = 0;
}

int cdns_send(int socket, const struct cdns_peer *peer, const uint8_t *bytes, int length) {
    struct sockaddr_storage storage;
    memcpy(&storage, peer->bytes, peer->length);
    ssize_t count = sendto(socket, bytes, (size_t)length, 0, (struct sockaddr *)&storage, peer->length);
    return count < 0 ? -errno : 0;
}

int cdns_poller(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int cdns_watch(int poller, int descriptor, int events, uint64_t token, int is_known) {
    struct epoll_event event = {0};
    if (events & 1) event.events |= EPOLLIN;
    if (events & 2) event.events |= EPOLLOUT;
    event.data.u64 = token;
    int operation = events == 0 ? EPOLL_CTL_DEL : is_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    return epoll_ctl(poller, operation, descriptor, &event) == 0 ? 0 : -errno;
}

int cdns_wait(int poller, uint64_t *tokens, int *events, int count, int milliseconds) {
    struct epoll_event found[64];
    int number = epoll_wait(poller, found, count < 64 ? count : 64, milliseconds);
    if (number < 0) return errno == EINTR ? 0 : -errno;
    for (int index = 0; index < number; index++) {
        tokens[index] = found[index].data.u64;
        events[index] = (found[index].events & EPOLLIN ? 1 : 0) | (found[index].events & EPOLLOUT ? 2 : 0)
                        | (found[index].events & (EPOLLERR | EPOLLHUP) ? 4 : 0);
    }
    return number;
}

int cdns_eventfd(void) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}
