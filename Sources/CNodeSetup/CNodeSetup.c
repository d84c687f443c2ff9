#define _GNU_SOURCE
#include "CNodeSetup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

int nodesetup_spawn(const char *path, char *const arguments[], int input, int output, int error_output) {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    sigset_t none, all;
    pid_t process_id = 0;
    int result = posix_spawnattr_init(&attributes);
    if (result != 0) return -result;
    result = posix_spawn_file_actions_init(&actions);
    if (result != 0) {
        posix_spawnattr_destroy(&attributes);
        return -result;
    }
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    // The callers' descriptors are all above 2 (they are opened while 0, 1 and 2 are taken), so no dup2
    // below overwrites the source of a later one.
    result = posix_spawn_file_actions_adddup2(&actions, input, 0);
    if (result == 0) result = posix_spawn_file_actions_adddup2(&actions, output, 1);
    if (result == 0) result = posix_spawn_file_actions_adddup2(&actions, error_output, 2);
    if (result == 0) result = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (result == 0) result = posix_spawn(&process_id, path, &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return result == 0 ? process_id : -result;
}

int nodesetup_memory_file(const void *bytes, unsigned long count) {
    const char *next = bytes;
    int fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0) return -errno;
    while (count > 0) {
        ssize_t written = write(fd, next, count);
        if (written < 0) {
            int result = -errno;
            close(fd);
            return result;
        }
        next += written;
        count -= (unsigned long)written;
    }
    lseek(fd, 0, SEEK_SET);
    return fd;
}

int nodesetup_pipe(int ends[2]) {
    return pipe2(ends, O_CLOEXEC) == 0 ? 0 : -errno;
}

int nodesetup_eventfd(void) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int nodesetup_pidfd_open(int process_id) {
    // Set close-on-exec by the kernel.
    long result = syscall(SYS_pidfd_open, process_id, 0);
    return result < 0 ? -errno : (int)result;
}

int nodesetup_pidfd_signal(int pidfd, int signal_number) {
    long result = syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0);
    return result < 0 ? -errno : 0;
}

int nodesetup_is_mount_root(int directory, const char *name) {
    struct statx status;
    int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
    if (statx(directory, name, flags, STATX_TYPE, &status) != 0) return -errno;
    if (!(status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)) return -EOPNOTSUPP;
    return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) ? 1 : 0;
}

int nodesetup_unmount(const char *path, int lazy) {
    return umount2(path, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0 ? 0 : -errno;
}

int nodesetup_mount(const char *source, const char *target, const char *type, const char *options) {
    return mount(source, target, type, 0, options) == 0 ? 0 : -errno;
}

long nodesetup_filesystem_type(const char *path) {
    struct statfs status;
    if (statfs(path, &status) != 0) return -errno;
    return (long)status.f_type;
}

struct link_request {
    struct nlmsghdr header;
    struct ifinfomsg link;
    char attributes[128];
};

static struct rtattr *add_attribute(struct link_request *request, unsigned short type, const void *data, int size) {
    struct rtattr *attribute = (struct rtattr *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));
    attribute->rta_type = type;
    attribute->rta_len = (unsigned short)RTA_LENGTH(size);
    if (size > 0) memcpy(RTA_DATA(attribute), data, (size_t)size);
    request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
    return attribute;
}

// Sends one request and waits for its acknowledgement.
static int exchange(struct link_request *request) {
    char answer[4096];
    int result = 0;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) return -errno;
    if (send(fd, request, request->header.nlmsg_len, 0) < 0) {
        result = -errno;
    } else {
        ssize_t size = recv(fd, answer, sizeof answer, 0);
        struct nlmsghdr *header = (struct nlmsghdr *)answer;
        if (size < 0) result = -errno;
        else if (!NLMSG_OK(header, (unsigned int)size) || header->nlmsg_type != NLMSG_ERROR) result = -EPROTO;
        else result = ((struct nlmsgerr *)NLMSG_DATA(header))->error;
    }
    close(fd);
    return result;
}

int nodesetup_delete_link(const char *name) {
    struct link_request request = {0};
    if (strlen(name) >= IFNAMSIZ) return -ENODEV;
    request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.link);
    request.header.nlmsg_type = RTM_DELLINK;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    request.link.ifi_family = AF_UNSPEC;
    add_attribute(&request, IFLA_IFNAME, name, (int)strlen(name) + 1);
    return exchange(&request);
}

int nodesetup_try_link_kind(const char *kind) {
    struct link_request request = {0};
    struct rtattr *information;
    if (strlen(kind) >= IFNAMSIZ) return -EINVAL;
    if (unshare(CLONE_NEWNET) != 0) return -errno;
    request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.link);
    request.header.nlmsg_type = RTM_NEWLINK;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    request.link.ifi_family = AF_UNSPEC;
    information = add_attribute(&request, IFLA_LINKINFO, NULL, 0);
    add_attribute(&request, IFLA_INFO_KIND, kind, (int)strlen(kind));
    information->rta_len = (unsigned short)((char *)&request + NLMSG_ALIGN(request.header.nlmsg_len)
                                            - (char *)information);
    return exchange(&request);
}
