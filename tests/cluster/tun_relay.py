"""A slow and lossy network between namespaces, for kernels that have no netem.

    tun_relay.py --delay-ms 100 --loss 0.05 --seed 1 NAMESPACE=ADDRESS/BITS ...

Makes a TUN device `slow0` with that address in each namespace, and carries IPv4 packets between them:
each waits for the delay, and by the seed some are lost. Says "ready" once that works, and on stderr what
it carried when SIGTERM ends it; the devices end with it. Needs root.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import heapq
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import time

DEVICE = "slow0"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
PACKET_MAX = 65_536
QUEUE_MAX = 100_000


def enter(namespace: str) -> None:
    """This thread's devices are those of the namespace from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{namespace}") as handle:
        if libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter the namespace {namespace}")


def device_in(namespace: str, address: str) -> int:
    """A TUN device there; its packets are read from and written to the descriptor."""
    enter(namespace)
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    subprocess.run(["ip", "addr", "add", address, "dev", DEVICE], check=True)
    subprocess.run(["ip", "link", "set", DEVICE, "up"], check=True)
    return fd


class Relay:
    def __init__(self, places: dict[str, str], delay_s: float, loss: float, seed: int) -> None:
        devices = {device_in(namespace, address): address for namespace, address in places.items()}
        self.devices = list(devices)
        self.by_address = {socket.inet_aton(a.split("/")[0]): fd for fd, a in devices.items()}
        self.delay_s, self.loss = delay_s, loss
        self.random = random.Random(seed)
        self.under_way: list[tuple[float, int, int, bytes]] = []  # due at, number, to, packet
        self.carried = self.lost = 0
        self.ending = False

    def run(self) -> None:
        while not self.ending:
            wait_s = self.under_way[0][0] - time.monotonic() if self.under_way else 1.0
            readable, _, _ = select.select(self.devices, [], [], max(0.0, min(wait_s, 1.0)))
            for fd in readable:
                self.take_in(fd)
            self.hand_out()

    def take_in(self, fd: int) -> None:
        due_at = time.monotonic() + self.delay_s
        for _ in range(64):
            try:
                packet = os.read(fd, PACKET_MAX)
            except BlockingIOError:
                return
            to = self.by_address.get(packet[16:20]) if packet[0] >> 4 == 4 else None
            if to is None:
                continue
            if self.random.random() < self.loss or len(self.under_way) >= QUEUE_MAX:
                self.lost += 1
                continue
            self.carried += 1
            heapq.heappush(self.under_way, (due_at, self.carried, to, packet))

    def hand_out(self) -> None:
        now = time.monotonic()
        while self.under_way and self.under_way[0][0] <= now:
            _, _, to, packet = heapq.heappop(self.under_way)
            try:
                os.write(to, packet)
            except OSError:  # its queue is full, or its end is down
                self.lost += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", metavar="NAMESPACE=ADDRESS/BITS")
    parser.add_argument("--delay-ms", type=float, default=100, help="each way")
    parser.add_argument("--loss", type=float, default=0.05, help="part of the packets, 0 to 1")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    places = dict(place.split("=", 1) for place in given.places)
    relay = Relay(places, given.delay_ms / 1000, given.loss, given.seed)
    signal.signal(signal.SIGTERM, lambda *_: setattr(relay, "ending", True))
    print("ready", flush=True)
    relay.run()
    print(f"carried {relay.carried} packets, lost {relay.lost}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
