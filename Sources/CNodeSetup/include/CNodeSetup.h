// System calls that Swift cannot reach: variadic ones, and structures whose headers clash with glibc's.
// All functions are safe to call from any thread. Unless told otherwise they return 0 or a positive
// number on success, and a negated errno on failure, so that no later call can overwrite the reason.
#ifndef CNODESETUP_H
#define CNODESETUP_H

/// Starts a program in a session of its own with only descriptors 0, 1 and 2, this process's environment, an
/// empty signal mask and default signal actions. Returns its process id.
int nodesetup_spawn(const char *path, char *const arguments[], int input, int output, int error_output);

/// An unnamed file in memory that holds these bytes, positioned at its start.
int nodesetup_memory_file(const void *bytes, unsigned long count);

/// Makes a pipe: the read end, the write end; both closed on exec.
int nodesetup_pipe(int ends[2]);

/// A counter that one thread raises and another one polls; never blocks, closed on exec.
int nodesetup_eventfd(void);

/// A descriptor that becomes readable when the process ends.
int nodesetup_pidfd_open(int process_id);
int nodesetup_pidfd_signal(int pidfd, int signal_number);

/// 1 when `name` in the open directory is the root of a mount, else 0. Does not follow links.
int nodesetup_is_mount_root(int directory, const char *name);

/// Unmounts what is mounted last at `path`, not following links; `lazy` detaches it at once.
int nodesetup_unmount(const char *path, int lazy);

int nodesetup_mount(const char *source, const char *target, const char *type, const char *options);

/// The magic number of the file system at `path`, or a negated errno.
long nodesetup_filesystem_type(const char *path);

/// Deletes a network interface by name, through rtnetlink.
int nodesetup_delete_link(const char *name);

/// Whether the kernel can make an interface of this kind ("bridge", "veth"). Moves the *calling thread* into
/// a new network namespace and makes one there: call it only on a thread that ends right after.
int nodesetup_try_link_kind(const char *kind);

#endif
