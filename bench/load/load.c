/*
 * The load generator: one thread and epoll, so that it costs less than any server it drives.
 *
 *     load KIND name=value ...
 *
 * It prints one line of JSON. The kinds:
 *
 *   stream    exchanges over connections that stay open, one request in flight on each
 *   connect   connect, one exchange, close, again
 *   datagram  exchanges over UDP; what is lost is sent again and counted
 *   idle      the memory of the server a connection on which a receive waits
 *
 * A request is `request` bytes, its answer `response` bytes. With `echo=1` the answer must be the
 * request; otherwise byte i of it must be i & 255. With `line=N` the request is text in lines of N
 * bytes. CPU time is that of process `pid` over the timed part: all its threads, also those that
 * have ended, in nanoseconds.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Requests begin anywhere in the first PERIOD bytes of the text, so that no two in flight are alike. */
enum { PERIOD = 251, EVENTS = 256, CHUNK = 65536, MOST_LATENCIES = 1 << 22, FIRST = 2000 };

struct peer {
  int fd;
  size_t sent, received;
  const unsigned char *request;
  uint64_t started;
  unsigned number;
  int writing;
};

static struct {
  long port, pid, connections, request, response, echo, line, messages;
  double seconds;
} option = {.connections = 1, .request = 64, .response = 64, .echo = 1, .seconds = 1};

static unsigned char *text, answer[CHUNK + 256], buffer[CHUNK];
static struct sockaddr_in server;
static int poller, datagrams, reconnecting, stopping;
static uint64_t messages, lost;
static uint32_t *latencies;

static void fail(const char *what) {
  fprintf(stderr, "load: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
  exit(1);
}

static uint64_t read_clock(clockid_t clock) {
  struct timespec now;
  if (clock_gettime(clock, &now) != 0) fail("clock_gettime");
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t now(void) { return read_clock(CLOCK_MONOTONIC); }

static uint64_t cpu_of_server(void) {
  clockid_t clock;
  if ((errno = clock_getcpuclockid((pid_t)option.pid, &clock)) != 0) fail("the server's CPU clock");
  return read_clock(clock);
}

static void watch(struct peer *peer, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = peer};
  if (epoll_ctl(poller, operation, peer->fd, &event) != 0) fail("epoll_ctl");
}

/* Opens the socket of a peer. With `wait` the connection stands afterwards. */
static void open_peer(struct peer *peer, int wait) {
  int type = datagrams ? SOCK_DGRAM : SOCK_STREAM, on = 1;
  peer->fd = socket(AF_INET, type | (wait ? 0 : SOCK_NONBLOCK), 0);
  if (peer->fd < 0) fail("socket");
  if (!datagrams) setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (reconnecting) {
    /* Each address of 127.0.0.0/8 has ports of its own: closed connections keep theirs for a while. */
    static unsigned next;
    struct sockaddr_in local = {.sin_family = AF_INET};
    local.sin_addr.s_addr = htonl(0x7f000100u + next++ % 250 + 1);
    setsockopt(peer->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(peer->fd, (struct sockaddr *)&local, sizeof local) != 0) fail("bind");
  }
  if (connect(peer->fd, (struct sockaddr *)&server, sizeof server) != 0 && errno != EINPROGRESS)
    fail("connect");
}

static void send_more(struct peer *peer) {
  size_t left = (size_t)option.request - peer->sent;
  ssize_t count = send(peer->fd, peer->request + peer->sent, left, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count < 0 && errno != EAGAIN) fail("send");
  if (count > 0) peer->sent += (size_t)count;
  int writing = peer->sent < (size_t)option.request;
  if (writing != peer->writing) watch(peer, EPOLL_CTL_MOD, EPOLLIN | (writing ? EPOLLOUT : 0));
  peer->writing = writing;
}

static void begin(struct peer *peer) {
  peer->number++;
  peer->sent = peer->received = 0;
  peer->request = option.line ? text : text + (peer->number * 31 + (uintptr_t)peer / 8) % PERIOD;
  peer->started = now();
}

static void check(struct peer *peer, size_t count) {
  const unsigned char *due =
      option.echo ? peer->request + peer->received : answer + peer->received % 256;
  /* The late answer to a datagram that was sent again. */
  if (datagrams && memcmp(buffer, due, count) != 0) return;
  errno = 0;
  if (peer->received + count > (size_t)option.response) fail("more bytes than were asked for");
  if (memcmp(buffer, due, count) != 0) fail("other bytes than were asked for");
  peer->received += count;
}

/* Answers whether the exchange is complete. */
static int receive(struct peer *peer) {
  ssize_t count = recv(peer->fd, buffer, CHUNK, MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return 0;
  if (count < 0) fail("recv");
  errno = 0;
  if (count == 0) fail("the server ended the connection");
  check(peer, (size_t)count);
  return peer->received == (size_t)option.response;
}

static void finished(struct peer *peer) {
  if (messages < MOST_LATENCIES) latencies[messages] = (uint32_t)((now() - peer->started) / 1000);
  messages++;
}

/* Runs exchanges on all peers: one each, or until `until` and at least `least` in all. */
static void exchange(struct peer *peers, long count, uint64_t until, uint64_t least) {
  struct epoll_event events[EVENTS];
  long open = count;
  for (long i = 0; i < count; i++) {
    begin(&peers[i]);
    if (reconnecting) {
      open_peer(&peers[i], 0);
      peers[i].writing = 1;
      watch(&peers[i], EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
    } else {
      send_more(&peers[i]);
    }
  }
  while (open > 0) {
    int ready = epoll_wait(poller, events, EVENTS, datagrams ? 200 : 20000);
    if (ready < 0 && errno != EINTR) fail("epoll_wait");
    if (ready == 0 && !datagrams) {
      errno = 0;
      fail("no answer for 20 seconds");
    }
    stopping = now() >= until && messages >= least;
    for (long i = 0; ready == 0 && i < count; i++) {
      if (peers[i].received > 0) continue;
      lost++;
      peers[i].sent = 0;
      send_more(&peers[i]);
    }
    for (int i = 0; i < ready; i++) {
      struct peer *peer = events[i].data.ptr;
      if (peer->writing && (events[i].events & EPOLLOUT)) send_more(peer);
      if (!(events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) || !receive(peer)) continue;
      finished(peer);
      if (reconnecting) close(peer->fd);
      if (stopping) {
        open--;
        continue;
      }
      begin(peer);
      if (reconnecting) {
        open_peer(peer, 0);
        peer->writing = 1;
        watch(peer, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
      } else {
        send_more(peer);
      }
    }
  }
}

static int by_value(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

/* Connects, a few at a time so that no backlog overflows, and has each connection used once. */
static void prepare(struct peer *peers, long count) {
  for (long done = 0; done < count;) {
    long some = count - done < 64 ? count - done : 64;
    for (long i = done; i < done + some; i++) {
      open_peer(&peers[i], 1);
      watch(&peers[i], EPOLL_CTL_ADD, EPOLLIN);
    }
    exchange(peers + done, some, 0, 0);
    done += some;
  }
}

/* The resident memory of the server in KiB, after it has collected its garbage a few times. */
static long memory_of_server(struct peer *control) {
  char path[64], line[256];
  long kib = -1;
  for (int i = 0; i < 4; i++) {
    /* One byte alone asks the server to collect. */
    option.request = option.response = 1;
    exchange(control, 1, 0, 0);
    usleep(60000);
  }
  option.request = option.response = 64;
  snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", option.pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) fail(path);
  while (fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "Rss: %ld", &kib) == 1) break;
  fclose(file);
  return kib;
}

static void idle(struct peer *peers) {
  /* The first connections pay for what the runtime makes only once: compiled code, and V8's space for
   * young objects, which grows by megabytes with the first objects that live on. */
  prepare(peers, FIRST);
  long before = memory_of_server(&peers[0]);
  prepare(peers + FIRST, option.connections);
  long after = memory_of_server(&peers[0]);
  printf("{\"bytes\": %.1f}\n", (double)(after - before) * 1024 / (double)option.connections);
}

static void timed(struct peer *peers) {
  if (!reconnecting) prepare(peers, option.connections);
  messages = lost = 0;
  uint64_t cpu = cpu_of_server(), start = now();
  exchange(peers, option.connections, start + (uint64_t)(option.seconds * 1e9),
           (uint64_t)option.messages);
  uint64_t took = now() - start;
  cpu = cpu_of_server() - cpu;
  size_t kept = messages < MOST_LATENCIES ? messages : MOST_LATENCIES;
  qsort(latencies, kept, sizeof *latencies, by_value);
  printf("{\"messages\": %llu, \"lost\": %llu, \"seconds\": %.6f, \"cpu\": %.1f, \"p50\": %u, "
         "\"p99\": %u}\n",
         (unsigned long long)messages, (unsigned long long)lost, (double)took / 1e9,
         (double)cpu / (double)messages, latencies[kept / 2], latencies[kept * 99 / 100]);
}

int main(int argc, char **argv) {
  struct { const char *name; long *value; } names[] = {
      {"port", &option.port}, {"pid", &option.pid}, {"connections", &option.connections},
      {"request", &option.request}, {"response", &option.response}, {"echo", &option.echo},
      {"line", &option.line}, {"messages", &option.messages},
  };
  const char *kind = argc > 1 ? argv[1] : "";
  for (int i = 2; i < argc; i++) {
    char *value = strchr(argv[i], '=');
    if (value == NULL) fail("arguments are name=value");
    *value++ = 0;
    if (strcmp(argv[i], "seconds") == 0) option.seconds = atof(value);
    for (size_t j = 0; j < sizeof names / sizeof *names; j++)
      if (strcmp(argv[i], names[j].name) == 0) *names[j].value = atol(value);
  }
  datagrams = strcmp(kind, "datagram") == 0;
  reconnecting = strcmp(kind, "connect") == 0;

  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  /* Whatever happens, this program ends. */
  alarm(120);

  size_t size = (size_t)option.request + PERIOD;
  text = malloc(size);
  latencies = malloc(sizeof *latencies * MOST_LATENCIES);
  struct peer *peers = calloc((size_t)option.connections + FIRST, sizeof *peers);
  if (text == NULL || latencies == NULL || peers == NULL) fail("memory");
  for (size_t i = 0; i < size; i++) {
    text[i] = (unsigned char)(i % PERIOD);
    if (option.line) text[i] = i % (size_t)option.line == (size_t)option.line - 1 ? '\n' : 'x';
  }
  for (size_t i = 0; i < sizeof answer; i++) answer[i] = (unsigned char)i;
  server.sin_family = AF_INET;
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  server.sin_port = htons((uint16_t)option.port);
  poller = epoll_create1(0);
  if (poller < 0) fail("epoll_create1");

  if (strcmp(kind, "idle") == 0) idle(peers);
  else timed(peers);
  return 0;
}
