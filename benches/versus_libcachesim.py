#!/usr/bin/env python3
"""Times one grid of policies and sizes in cachesim and in libCacheSim, side by side.

usage: versus_libcachesim.py CACHESIM_BINARY [--requests N] [--keys N] [--threads N] [--policies LIST]

Needs `pip install libcachesim numpy`. Draws a Zipf(1) trace, runs `cachesim replay` as one process
with --threads, and libCacheSim as so many processes with one cell at a time each; compares the
miss counts on the way. A difference in any count is an error.
"""
import argparse
import csv
import io
import multiprocessing
import os
import struct
import subprocess
import sys
import tempfile
import time

CLASSES = {
    "lru": "LRU", "fifo": "FIFO", "lfu": "LFU", "clock": "Clock", "sieve": "Sieve", "slru": "SLRU", "2q": "TwoQ",
    "arc": "ARC", "lirs": "LIRS", "s3-fifo": "S3FIFO", "gdsf": "GDSF", "belady": "Belady",
}
SHARES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.4, 0.8]


def write_trace(path, requests, keys):
    import numpy
    generator = numpy.random.default_rng(42)
    cumulative = numpy.cumsum(1.0 / numpy.arange(1, keys + 1))
    ranks = numpy.searchsorted(cumulative, generator.random(requests) * cumulative[-1])
    names = generator.permutation(keys) + 1
    drawn = names[ranks]
    order = numpy.argsort(drawn, kind="stable")
    following = numpy.full(requests, -1, dtype=numpy.int64)
    same = drawn[order[:-1]] == drawn[order[1:]]
    # oracleGeneral counts requests from 1.
    following[order[:-1][same]] = order[1:][same] + 1
    records = numpy.zeros(requests, dtype=[("time", "<u4"), ("key", "<u8"), ("size", "<u4"), ("next", "<i8")])
    records["time"], records["key"], records["size"], records["next"] = numpy.arange(requests) // 1000, drawn, 1, following
    records.tofile(path)
    return len(numpy.unique(drawn))


def libcachesim_cell(job):
    path, policy, size = job
    import libcachesim
    reader = libcachesim.TraceReader(path, libcachesim.TraceType.ORACLE_GENERAL_TRACE,
                                     libcachesim.ReaderInitParam(ignore_obj_size=True))
    started = time.perf_counter()
    ratio, _ = getattr(libcachesim, CLASSES[policy])(cache_size=size).process_trace(reader)
    return policy, size, ratio, time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--requests", type=int, default=10_000_000)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--policies", default=",".join(CLASSES))
    arguments = parser.parse_args()
    policies = arguments.policies.split(",")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "zipf.oracleGeneral.bin")
        distinct = write_trace(path, arguments.requests, arguments.keys)
        sizes = [max(1, int(distinct * share)) for share in SHARES]
        started = time.perf_counter()
        done = subprocess.run([arguments.binary, "replay", path, "--policy", ",".join(policies), "--size",
                               ",".join(map(str, sizes)), "--format", "csv", "--quiet", "--threads",
                               str(arguments.threads)], capture_output=True, text=True)
        ours_s = time.perf_counter() - started
        if done.returncode:
            sys.exit(done.stderr)
        ours = {(r["policy"], int(r["size"])): r for r in csv.DictReader(io.StringIO(done.stdout))}
        print(f"cachesim: {len(ours)} cells in {ours_s:.2f} s, with reading and interning", flush=True)
        jobs = [(path, policy, size) for policy in policies for size in sizes]
        started = time.perf_counter()
        theirs, different = {}, 0
        with multiprocessing.get_context("spawn").Pool(arguments.threads, maxtasksperchild=1) as pool:
            for policy, size, ratio, seconds in pool.imap_unordered(libcachesim_cell, jobs, chunksize=1):
                theirs[(policy, size)] = seconds
                if round(ratio * arguments.requests) != int(ours[(policy, size)]["misses"]):
                    different += 1
                    print(f"DIFFERENT: {policy} {size}: {round(ratio * arguments.requests)} there, "
                          f"{ours[(policy, size)]['misses']} here")
        theirs_s = time.perf_counter() - started
    print(f"libCacheSim: {len(theirs)} cells in {theirs_s:.2f} s, with reading")
    print(f"{'policy':10} {'cachesim':>10} {'libCacheSim':>12} {'ratio':>7}   (CPU seconds of all sizes)")
    for policy in policies:
        here = sum(float(ours[(policy, size)]["seconds"]) for size in sizes)
        there = sum(theirs[(policy, size)] for size in sizes)
        print(f"{policy:10} {here:10.2f} {there:12.2f} {there / max(here, 1e-9):7.1f}")
    print(f"whole grid: {theirs_s / ours_s:.1f} times as fast as libCacheSim; {different} of {len(ours)} counts differ")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
