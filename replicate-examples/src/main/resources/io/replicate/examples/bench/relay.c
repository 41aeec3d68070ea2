/*
 * The limit of a relay on this machine, a yardstick for benchmarks and no part of the product: a chain of nodes, each of
 * which stores what comes in and passes it on, by 1 MiB copies (copy) or by splice and tee (tee).
 *
 *   relay MODE INPORT OUTADDRESS OUTPORT FILE
 *
 * Start the last node first. INPORT 0: FILE is the source. OUTPORT 0: the last node. The source prints the seconds until
 * the last node has everything.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK (1 << 20)

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int listen_one(int port) {
    int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(INADDR_ANY);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(s, (void *)&a, sizeof a) || listen(s, 1)) die("bind");
    puts("ready");
    fflush(stdout);
    int c = accept(s, 0, 0);
    if (c < 0) die("accept");
    close(s);
    return c;
}

static int connect_to(const char *address, int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &a.sin_addr) != 1) die(address);
    for (int i = 0; i < 500; i++) {
        int s = socket(AF_INET, SOCK_STREAM, 0);
        if (!connect(s, (void *)&a, sizeof a)) return s;
        close(s);
        usleep(10000);
    }
    die("connect");
    return -1;
}

static void write_all(int fd, const char *p, ssize_t n) {
    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k <= 0) die("write");
        p += k;
        n -= k;
    }
}

static void splice_all(int from, int to, ssize_t n, int flags) {
    while (n > 0) {
        ssize_t k = splice(from, 0, to, 0, n, flags);
        if (k <= 0) die("splice");
        n -= k;
    }
}

static void source(int out, const char *path) {
    int f = open(path, O_RDONLY);
    if (f < 0) die(path);
    off_t size = lseek(f, 0, SEEK_END), offset = 0;
    struct timespec a, b;
    char x;
    clock_gettime(CLOCK_MONOTONIC, &a);
    while (offset < size)
        if (sendfile(out, f, &offset, 1 << 24) <= 0) die("sendfile");
    shutdown(out, SHUT_WR);
    if (read(out, &x, 1) != 1) die("the chain broke");
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("%.6f\n", b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9);
}

static void copy(int in, int out, int f) {
    char *buffer = aligned_alloc(4096, CHUNK);
    ssize_t n;
    while ((n = read(in, buffer, CHUNK)) > 0) {
        write_all(f, buffer, n);
        if (out >= 0) write_all(out, buffer, n);
    }
}

static void splice_and_tee(int in, int out, int f) {
    int p[2], q[2];
    ssize_t n;
    if (pipe(p) || pipe(q)) die("pipe");
    fcntl(p[0], F_SETPIPE_SZ, CHUNK);
    fcntl(q[0], F_SETPIPE_SZ, CHUNK);
    while ((n = splice(in, 0, p[1], 0, CHUNK, SPLICE_F_MOVE)) > 0) {
        while (n > 0) {
            ssize_t k = n;
            if (out >= 0) {
                k = tee(p[0], q[1], n, 0);
                if (k <= 0) die("tee");
                splice_all(q[0], out, k, SPLICE_F_MOVE | SPLICE_F_MORE);
            }
            splice_all(p[0], f, k, SPLICE_F_MOVE);
            n -= k;
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fputs("relay copy|tee INPORT OUTADDRESS OUTPORT FILE\n", stderr);
        return 2;
    }
    int in_port = atoi(argv[2]), out_port = atoi(argv[4]), out = -1;
    if (!in_port) {
        source(connect_to(argv[3], out_port), argv[5]);
        return 0;
    }
    int in = listen_one(in_port);
    if (out_port) out = connect_to(argv[3], out_port);
    int f = open(argv[5], O_CREAT | O_TRUNC | O_WRONLY, 0644);
    if (f < 0) die(argv[5]);
    if (strcmp(argv[1], "copy") == 0) copy(in, out, f);
    else splice_and_tee(in, out, f);
    if (out >= 0) {
        char x;
        shutdown(out, SHUT_WR);
        if (read(out, &x, 1) != 1) die("the next node broke");
    }
    if (write(in, "k", 1) != 1) die("ack");
    return 0;
}
