"""What `interlock doctor` looks at on NATS servers and the stream of a log, as data."""

from __future__ import annotations

from interlock.model.diagnosis import CLEAR_ERROR, DURABLE, NO_PAYLOAD, NOTHING_DROPPED, ORDER, RESEND, Check

REACHED = Check(
    "NATS_REACHED", "whether one of the servers takes our connection", CLEAR_ERROR,
    "See whether the servers run: nats server check connection",
)  # fmt: skip
VERSION = Check("NATS_VERSION", "the server's release", CLEAR_ERROR, "Upgrade the servers to 2.12 or newer.")
ENABLED = Check(
    "NATS_JETSTREAM", "whether JetStream is enabled for our account, and has room", CLEAR_ERROR,
    "Start nats-server with -js, or add a block jetstream to its configuration.",
)  # fmt: skip
CLOCK = Check("NATS_CLOCK", "the server's clock beside ours", CLEAR_ERROR, "Let NTP set the clocks of both machines.")
TLS = Check(
    "NATS_TLS", "whether the connection is encrypted where it leaves the machine", NO_PAYLOAD,
    "Configure tls at the servers, and write tls:// in the variable that jetstream.servers names.",
)  # fmt: skip
STREAM = Check(
    "NATS_STREAM", "whether the stream is there, and is a log of Interlock", CLEAR_ERROR,
    "Give the estate a jetstream.stream of its own.",
)  # fmt: skip
PARTITIONS = Check(
    "NATS_PARTITIONS", "the partitions of the stream against stores.partitions", ORDER,
    "Set stores.partitions to what the stream was made with: it is fixed.",
)  # fmt: skip
STORAGE = Check(
    "NATS_STORAGE", "whether the stream is kept in files or in memory", DURABLE,
    "Storage is fixed with a stream: make another one with storage file, and move the log there.",
)  # fmt: skip
REPLICAS = Check(
    "NATS_REPLICAS", "how many servers keep each event, against `jetstream.replicas`", DURABLE,
    "Run at least three servers, then: nats stream edit STREAM --replicas=3, and jetstream.replicas = 3",
)  # fmt: skip
SYNC = Check(
    "NATS_SYNC", "`sync_interval`: when the servers flush to disk, by /varz of their monitoring port", DURABLE,
    'Set sync_interval: always in the block jetstream of each server, or keep three replicas on machines that do not '
    "fail together.",
)  # fmt: skip
QUORUM = Check(
    "NATS_QUORUM", "who leads the stream, and which replicas lag or are away", DURABLE,
    "Start the servers that are away: nats server report jetstream",
)  # fmt: skip
KEPT = Check(
    "NATS_KEPT", "retention, discard policy, max_age and other limits, against what is not read yet", NOTHING_DROPPED,
    "nats stream edit STREAM --discard=new --max-age=0: a full stream then refuses, and never drops.",
)  # fmt: skip
WINDOW = Check(
    "NATS_WINDOW", "the stream's duplicate window against `jetstream.dedupe_seconds`", RESEND,
    "The next start sets it, or: nats stream edit STREAM --dupe-window=…",
)  # fmt: skip
CHECKS = (
    REACHED, VERSION, ENABLED, CLOCK, TLS, STREAM, PARTITIONS, STORAGE, REPLICAS, SYNC, QUORUM, KEPT, WINDOW,
)  # fmt: skip
