/**
 * The constants of Berkeley sockets, under their POSIX names and with the Linux values on every
 * platform: they are the library's vocabulary, and each adapter translates them.
 *
 * A constant whose presence promises a feature is exported only once an adapter offers that feature.
 *
 * Source: POSIX.1-2024, the Linux man pages and Python's `socket` module.
 */

// Address families: the first argument of `socket()`. POSIX <sys/socket.h>.

/** Any address family, in `getaddrinfo` hints. */
export const AF_UNSPEC = 0;
/** Sockets of one machine, named by a path. */
export const AF_UNIX = 1;
/** The Internet protocol, version 4. */
export const AF_INET = 2;
/** The Internet protocol, version 6. */
export const AF_INET6 = 10;

// Socket types: the second argument of `socket()`. POSIX <sys/socket.h>.

/** A reliable stream of bytes in both directions, such as TCP. */
export const SOCK_STREAM = 1;
/** Separate messages that may get lost or reordered, such as UDP. */
export const SOCK_DGRAM = 2;
/** Access to the protocol below the transport. */
export const SOCK_RAW = 3;
/** Reliable messages in any order. */
export const SOCK_RDM = 4;
/** A reliable, ordered sequence of messages. */
export const SOCK_SEQPACKET = 5;
/** Flag that may be added to the type: close the descriptor on `exec`, which always applies here. */
export const SOCK_CLOEXEC = 524288;

// Option levels: the first argument of `getsockopt` and `setsockopt`.

/** Options of the socket itself, named `SO_*`. */
export const SOL_SOCKET = 1;
/** Options of IPv4, named `IP_*`; equal to `IPPROTO_IP`. */
export const SOL_IP = 0;
/** Options of TCP, named `TCP_*`; equal to `IPPROTO_TCP`. */
export const SOL_TCP = 6;
/** Options of UDP; equal to `IPPROTO_UDP`. */
export const SOL_UDP = 17;

// Options at level `SOL_SOCKET`. POSIX <sys/socket.h> and Linux socket(7).

/** Record debugging information in the kernel (0 or 1). */
export const SO_DEBUG = 1;
/** Let `bind` take an address that a closed connection still holds (0 or 1). */
export const SO_REUSEADDR = 2;
/** The socket type (read-only). */
export const SO_TYPE = 3;
/** The pending error as an errno, cleared by reading it (read-only). */
export const SO_ERROR = 4;
/** Send to directly connected hosts only, not through a gateway (0 or 1). */
export const SO_DONTROUTE = 5;
/** Permit datagrams to a broadcast address (0 or 1). */
export const SO_BROADCAST = 6;
/** Size of the kernel's send buffer in bytes; Linux reports twice what was set. */
export const SO_SNDBUF = 7;
/** Size of the kernel's receive buffer in bytes; Linux reports twice what was set. */
export const SO_RCVBUF = 8;
/** Probe an idle connection to find out whether the peer still lives (0 or 1). */
export const SO_KEEPALIVE = 9;
/** Leave urgent data in the normal stream (0 or 1). */
export const SO_OOBINLINE = 10;
/** Priority of the packets sent, 0 to 6 without privileges. */
export const SO_PRIORITY = 12;
/** What `close` does with unsent data: `struct linger` with the members on/off and seconds. */
export const SO_LINGER = 13;
/** Let several sockets of one user share an address and port (0 or 1). */
export const SO_REUSEPORT = 15;
/** Receive the sender's credentials with each message on an AF_UNIX socket (0 or 1). */
export const SO_PASSCRED = 16;
/** Process, user and group id of the peer of an AF_UNIX socket (read-only). */
export const SO_PEERCRED = 17;
/** The least number of bytes that makes a receive return. */
export const SO_RCVLOWAT = 18;
/** The least free space, in bytes, that makes a socket writable; always 1 on Linux. */
export const SO_SNDLOWAT = 19;
/** The kernel's receive timeout as `struct timeval`; `settimeout` is the portable way. */
export const SO_RCVTIMEO = 20;
/** The kernel's send timeout as `struct timeval`; `settimeout` is the portable way. */
export const SO_SNDTIMEO = 21;
/** The name of the only network interface to use. */
export const SO_BINDTODEVICE = 25;
/** Whether the socket listens: 0 or 1 (read-only). */
export const SO_ACCEPTCONN = 30;
/** Mark on each packet sent, for routing and filtering rules. */
export const SO_MARK = 36;
/** The protocol number of the socket (read-only). */
export const SO_PROTOCOL = 38;
/** The address family of the socket (read-only). */
export const SO_DOMAIN = 39;
/** The processor on which packets for this socket are handled. */
export const SO_INCOMING_CPU = 49;

// Protocols: the third argument of `socket()`. Numbers by IANA, RFC 5237.

/** The family's default protocol; as a level, the options of IPv4. */
export const IPPROTO_IP = 0;
/** IPv6 hop-by-hop options header, RFC 8200. */
export const IPPROTO_HOPOPTS = 0;
/** Internet Control Message Protocol, RFC 792. */
export const IPPROTO_ICMP = 1;
/** Internet Group Management Protocol, RFC 3376. */
export const IPPROTO_IGMP = 2;
/** IPv4 inside IPv4, RFC 2003. */
export const IPPROTO_IPIP = 4;
/** Transmission Control Protocol, RFC 9293. */
export const IPPROTO_TCP = 6;
/** Exterior Gateway Protocol, RFC 904. */
export const IPPROTO_EGP = 8;
/** Xerox PARC Universal Packet. */
export const IPPROTO_PUP = 12;
/** User Datagram Protocol, RFC 768. */
export const IPPROTO_UDP = 17;
/** Xerox Internetwork Datagram Protocol. */
export const IPPROTO_IDP = 22;
/** ISO Transport Protocol class 4, RFC 905. */
export const IPPROTO_TP = 29;
/** The Internet protocol, version 6, RFC 8200; as a level, its options `IPV6_*`. */
export const IPPROTO_IPV6 = 41;
/** IPv6 routing header, RFC 8200. */
export const IPPROTO_ROUTING = 43;
/** IPv6 fragment header, RFC 8200. */
export const IPPROTO_FRAGMENT = 44;
/** Resource Reservation Protocol, RFC 2205. */
export const IPPROTO_RSVP = 46;
/** Generic Routing Encapsulation, RFC 2784. */
export const IPPROTO_GRE = 47;
/** IPsec Encapsulating Security Payload, RFC 4303. */
export const IPPROTO_ESP = 50;
/** IPsec Authentication Header, RFC 4302. */
export const IPPROTO_AH = 51;
/** Internet Control Message Protocol for IPv6, RFC 4443. */
export const IPPROTO_ICMPV6 = 58;
/** IPv6 header without a successor, RFC 8200. */
export const IPPROTO_NONE = 59;
/** IPv6 destination options header, RFC 8200. */
export const IPPROTO_DSTOPTS = 60;
/** Protocol Independent Multicast, RFC 7761. */
export const IPPROTO_PIM = 103;
/** Stream Control Transmission Protocol, RFC 9260. */
export const IPPROTO_SCTP = 132;
/** Raw IP packets. */
export const IPPROTO_RAW = 255;

// Bounds of port ranges. BSD <netinet/in.h>.

/** Ports below this one need a privilege to bind. */
export const IPPORT_RESERVED = 1024;
/** Ports above this one were meant for servers that need no privilege. */
export const IPPORT_USERRESERVED = 5000;

// Options at level `IPPROTO_TCP`. Linux tcp(7).

/** Send small segments at once instead of collecting them, RFC 1122 section 4.2.3.4 (0 or 1). */
export const TCP_NODELAY = 1;
/** Maximum segment size in bytes. */
export const TCP_MAXSEG = 2;
/** Hold partial segments back until the option is cleared, 200 ms at most (0 or 1). */
export const TCP_CORK = 3;
/** Idle seconds before the first keep-alive probe. */
export const TCP_KEEPIDLE = 4;
/** Seconds between keep-alive probes. */
export const TCP_KEEPINTVL = 5;
/** Unanswered keep-alive probes before the connection is dropped. */
export const TCP_KEEPCNT = 6;
/** Retransmissions of SYN before `connect` gives up, 1 to 255. */
export const TCP_SYNCNT = 7;
/** Seconds that an orphaned socket stays in FIN-WAIT-2. */
export const TCP_LINGER2 = 8;
/** Seconds to wait for data before a connection is handed to `accept`. */
export const TCP_DEFER_ACCEPT = 9;
/** Upper bound of the advertised window in bytes. */
export const TCP_WINDOW_CLAMP = 10;
/** State of the connection as `struct tcp_info` (read-only). */
export const TCP_INFO = 11;
/** Acknowledge at once for now (0 or 1); the kernel may change it again. */
export const TCP_QUICKACK = 12;
/** The name of the congestion control algorithm. */
export const TCP_CONGESTION = 13;
/** Milliseconds that sent data may stay unacknowledged, RFC 5482. */
export const TCP_USER_TIMEOUT = 18;
/** Length of the queue of fast-open requests of a listener, RFC 7413. */
export const TCP_FASTOPEN = 23;
/** Unsent bytes in the send buffer above which the socket is not writable. */
export const TCP_NOTSENT_LOWAT = 25;

// Options at level `IPPROTO_IP`. Linux ip(7).

/** The type-of-service octet of packets sent, 0 to 255, RFC 2474. */
export const IP_TOS = 1;
/** The time to live of packets sent, 1 to 255 hops. */
export const IP_TTL = 2;
/** The caller supplies the IP header on a raw socket (0 or 1). */
export const IP_HDRINCL = 3;
/** The IP options of packets sent, RFC 791. */
export const IP_OPTIONS = 4;
/** Accept and use addresses that are not local, for proxies (0 or 1). */
export const IP_TRANSPARENT = 19;
/** Choose the local port at `connect` rather than at `bind` to port 0 (0 or 1). */
export const IP_BIND_ADDRESS_NO_PORT = 24;
/** The interface for outgoing multicast, as a local address or `struct ip_mreqn`. */
export const IP_MULTICAST_IF = 32;
/** The time to live of multicast packets, 0 to 255 hops. */
export const IP_MULTICAST_TTL = 33;
/** Deliver multicast packets to this host too (0 or 1). */
export const IP_MULTICAST_LOOP = 34;
/** Join a multicast group: group address and interface address, 4 bytes each. */
export const IP_ADD_MEMBERSHIP = 35;
/** Leave a multicast group: group address and interface address, 4 bytes each. */
export const IP_DROP_MEMBERSHIP = 36;
/** Join a group for one source: group, interface and source address, 4 bytes each. */
export const IP_ADD_SOURCE_MEMBERSHIP = 39;
/** Leave a group for one source: group, interface and source address, 4 bytes each. */
export const IP_DROP_SOURCE_MEMBERSHIP = 40;
/** The time to live of multicast packets before `IP_MULTICAST_TTL` is set. */
export const IP_DEFAULT_MULTICAST_TTL = 1;
/** The value of `IP_MULTICAST_LOOP` before it is set. */
export const IP_DEFAULT_MULTICAST_LOOP = 1;
/** Multicast groups that one socket can usually join. */
export const IP_MAX_MEMBERSHIPS = 20;

// Options at level `IPPROTO_IPV6`. RFC 3493 and RFC 3542.

/** Hop limit of packets sent, 0 to 255; -1 is the system's default. */
export const IPV6_UNICAST_HOPS = 16;
/** The index of the interface for outgoing multicast. */
export const IPV6_MULTICAST_IF = 17;
/** Hop limit of multicast packets, 0 to 255; -1 is the system's default. */
export const IPV6_MULTICAST_HOPS = 18;
/** Deliver multicast packets to this host too (0 or 1). */
export const IPV6_MULTICAST_LOOP = 19;
/**
 * Join a multicast group: 16 bytes of address, then the interface index as a native 32-bit
 * integer.
 */
export const IPV6_JOIN_GROUP = 20;
/**
 * Leave a multicast group: 16 bytes of address, then the interface index as a native 32-bit
 * integer.
 */
export const IPV6_LEAVE_GROUP = 21;
/** Keep IPv4 out of an IPv6 socket (0 or 1). */
export const IPV6_V6ONLY = 26;
/** The traffic class of packets sent, 0 to 255; -1 is the system's default. */
export const IPV6_TCLASS = 67;

// Flags of the send and receive calls, combined with `|`. POSIX recv, send; Linux recv(2), send(2).

/** Urgent (out-of-band) data. */
export const MSG_OOB = 1;
/** Receive without taking the data from the queue. */
export const MSG_PEEK = 2;
/** Send to directly connected hosts only. */
export const MSG_DONTROUTE = 4;
/** Result flag: ancillary data was cut off. */
export const MSG_CTRUNC = 8;
/** Result flag: a datagram was cut off; as an argument, ask for its full length. */
export const MSG_TRUNC = 32;
/** Fail with EAGAIN rather than wait, for this call only. */
export const MSG_DONTWAIT = 64;
/** End of a record. */
export const MSG_EOR = 128;
/** Wait until the whole amount has been received. */
export const MSG_WAITALL = 256;
/** Tell the link layer that the neighbour has answered. */
export const MSG_CONFIRM = 2048;
/** Receive from the socket's error queue. */
export const MSG_ERRQUEUE = 8192;
/** Raise no SIGPIPE; no runtime raises it anyway. */
export const MSG_NOSIGNAL = 16384;
/** More data will follow, so that a partial segment may wait. */
export const MSG_MORE = 32768;

// The argument of `shutdown`. POSIX shutdown.

/** Receive no more. */
export const SHUT_RD = 0;
/** Send no more; the peer sees the end of the stream. */
export const SHUT_WR = 1;
/** Neither send nor receive any more. */
export const SHUT_RDWR = 2;

// Flags of `getaddrinfo`, combined with `|`. POSIX getaddrinfo, RFC 3493 section 6.1.

/** Addresses to bind: without a host, the wildcard address. */
export const AI_PASSIVE = 1;
/** Ask for the canonical name, returned in the first result. */
export const AI_CANONNAME = 2;
/** The host must be a literal address; nothing is looked up. */
export const AI_NUMERICHOST = 4;
/** For AF_INET6 without an IPv6 address, return IPv4-mapped ones. */
export const AI_V4MAPPED = 8;
/** With AI_V4MAPPED: IPv4-mapped addresses besides the IPv6 ones. */
export const AI_ALL = 16;
/** Only families of which this machine has an address. */
export const AI_ADDRCONFIG = 32;
/** The port must be numeric. */
export const AI_NUMERICSERV = 1024;

// Flags and sizes of `getnameinfo`. POSIX getnameinfo, RFC 3493 section 6.2.

/** Return the address as text rather than a name. */
export const NI_NUMERICHOST = 1;
/** Return the port number rather than the service name. */
export const NI_NUMERICSERV = 2;
/** Return only the first label of names in the local domain. */
export const NI_NOFQDN = 4;
/** Fail if the address has no name. */
export const NI_NAMEREQD = 8;
/** Look the service up for UDP rather than TCP. */
export const NI_DGRAM = 16;
/** Bytes that hold every host name with its terminator. */
export const NI_MAXHOST = 1025;
/** Bytes that hold every service name with its terminator. */
export const NI_MAXSERV = 32;

// Errors of `getaddrinfo` and `getnameinfo`: the `errno` of a `GaiError`. RFC 3493, numbers of glibc.

/** The flags are invalid. */
export const EAI_BADFLAGS: -1 = -1;
/** The name, or the service, is not known. */
export const EAI_NONAME: -2 = -2;
/** The name could not be resolved for now; a later attempt may succeed. */
export const EAI_AGAIN: -3 = -3;
/** The name server failed for good. */
export const EAI_FAIL: -4 = -4;
/** The name exists but has no address. */
export const EAI_NODATA: -5 = -5;
/** The address family is not supported. */
export const EAI_FAMILY: -6 = -6;
/** The socket type is not supported. */
export const EAI_SOCKTYPE: -7 = -7;
/** The service is not known for the socket type. */
export const EAI_SERVICE: -8 = -8;
/** The host has no address of the family asked for. */
export const EAI_ADDRFAMILY: -9 = -9;
/** Out of memory. */
export const EAI_MEMORY: -10 = -10;
/** A system error, reported in errno. */
export const EAI_SYSTEM: -11 = -11;
/** A name is too long for its buffer. */
export const EAI_OVERFLOW: -12 = -12;

// IPv4 addresses as numbers in host byte order. POSIX <netinet/in.h>.

/** 0.0.0.0, every address of this machine. */
export const INADDR_ANY = 0;
/** 255.255.255.255, all hosts of the local network. */
export const INADDR_BROADCAST = 0xffffffff;
/** 127.0.0.1, this machine. */
export const INADDR_LOOPBACK = 0x7f000001;
/** The result of C's `inet_addr` for a malformed address. */
export const INADDR_NONE = 0xffffffff;
/** 224.0.0.0, the base of the multicast addresses. */
export const INADDR_UNSPEC_GROUP = 0xe0000000;
/** 224.0.0.1, all hosts of the local network that take part in multicast. */
export const INADDR_ALLHOSTS_GROUP = 0xe0000001;
/** 224.0.0.255, the last multicast address that no router forwards. */
export const INADDR_MAX_LOCAL_GROUP = 0xe00000ff;

// Limits and facts.

/** The largest backlog of `listen` by default on Linux. */
export const SOMAXCONN = 4096;
/**
 * Whether the library supports IPv6: `true` on every runtime.
 *
 * Source: Python `socket.has_ipv6`.
 *
 * @example
 * ```ts
 * import { AF_INET, AF_INET6, has_ipv6, socket } from "@bsdsock/bsdsock";
 *
 * await using s = socket(has_ipv6 ? AF_INET6 : AF_INET);
 * ```
 */
export const has_ipv6 = true;
