// The program that holds a pod's namespaces open. It is the first process of its PID namespace when the pod
// shares one, so it also takes in orphans. It waits for signals and does nothing else: no library, no memory,
// some hundred bytes. `make` builds it for each architecture and writes it into the Swift sources.

#if defined(__x86_64__)
enum { rt_sigprocmask = 14, wait4 = 61, exit_ = 60, rt_sigtimedwait = 128 };
static long call(long number, long a, long b, long c, long d) {
    long result;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
enum { rt_sigprocmask = 135, wait4 = 260, exit_ = 93, rt_sigtimedwait = 137 };
static long call(long number, long a, long b, long c, long d) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
#else
#error "no system calls known for this architecture"
#endif

enum { SIG_BLOCK_ = 0, SIGINT_ = 2, SIGTERM_ = 15, SIGCHLD_ = 17, WNOHANG_ = 1 };

void _start(void) {
    unsigned long signals = 1ul << (SIGINT_ - 1) | 1ul << (SIGTERM_ - 1) | 1ul << (SIGCHLD_ - 1);
    // Blocked, they wait for sigtimedwait; the first process of a namespace gets no others from inside it.
    call(rt_sigprocmask, SIG_BLOCK_, (long)&signals, 0, sizeof signals);
    for (;;) {
        long received = call(rt_sigtimedwait, (long)&signals, 0, 0, sizeof signals);
        if (received == SIGCHLD_)
            while (call(wait4, -1, 0, WNOHANG_, 0) > 0) {}
        if (received == SIGINT_ || received == SIGTERM_) call(exit_, 0, 0, 0, 0);
    }
}
