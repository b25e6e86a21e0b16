"""Spread the tables of readings over the machines of a Citus cluster."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

from django import db

import sql
from etl.postgres import steps, transactions, work_tables


SMALL_CLUSTER, FEW_SHARDS, MANY_SHARDS = 2, 8, 32
# Half a minute's work; while rows are moved nobody can read or write.
LARGEST_MOVED = 1 << 30  # bytes

_FIRST = "meter_point"
_BESIDE = ("meter", "register", "reading", "site_visit", "staged_text")


class UnfitClusterError(Exception):
    """The tables can't be spread here; the message says what to do."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Distribution:
    """How the tables are spread now."""

    table_count: int
    shard_count: int
    worker_count: int


def distribute(*, shard_count: int | None, is_moving: bool) -> Distribution:
    """
    Spread what is not spread yet, all in one transaction, and make the work tables anew.

    Without a number of shards there are few on a small cluster and many on any other.

    :raises UnfitClusterError: if there is no cluster, if much would be moved unasked, or if the
        tables are in another number of shards already
    """
    cluster = _describe()
    if shard_count not in {None, cluster["shard_count"] or shard_count}:
        raise UnfitClusterError(
            f"the tables are in {cluster['shard_count']} shards already: to have {shard_count},"
            " see `alter_distributed_table` in sql/citus/README.md"
        )
    is_small = cluster["worker_count"] <= SMALL_CLUSTER
    shards = cluster["shard_count"] or shard_count or (FEW_SHARDS if is_small else MANY_SHARDS)
    local = [table for table in (_FIRST, *_BESIDE) if table not in cluster["spread_tables"]]
    size = _size_of(local)
    if size > LARGEST_MOVED and not is_moving:
        raise UnfitClusterError(
            f"the tables hold {size / 2**30:,.1f} GiB, and nobody can read or write while they are"
            " moved: give --move-data when that suits"
        )
    transactions.commit(functools.partial(_spread, local, shards))
    return Distribution(
        table_count=1 + len(_BESIDE), shard_count=shards, worker_count=cluster["worker_count"]
    )


def _describe() -> Mapping[str, Any]:
    with db.connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')")
        (has_citus,) = cursor.fetchone()
    if not has_citus:
        raise UnfitClusterError(
            "the database has no Citus extension: install it on all machines and run `CREATE"
            " EXTENSION citus`, or stay on one machine, where nothing is to be distributed"
        )
    cluster = steps.run_citus("50_describe", {"tables": [_FIRST, *_BESIDE]})[0]
    if not cluster["is_coordinator"]:
        raise UnfitClusterError(
            "this server is a worker of its cluster: name the coordinator in DATABASE_URL"
        )
    if not cluster["worker_count"]:
        raise UnfitClusterError(
            "the cluster has no worker: add each on the coordinator by"
            " `SELECT citus_add_node('HOST', PORT)`"
        )
    return cluster


def _size_of(tables: Sequence[str]) -> int:
    with db.connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(pg_total_relation_size(name::regclass)), 0)::bigint"
            " FROM unnest(%s::text[]) AS name",
            [list(tables)],
        )
        return int(cursor.fetchone()[0])


def _spread(local: Sequence[str], shard_count: int) -> None:
    steps.run_citus("30_share_functions", {"names": list(sql.names("functions"))})
    if _FIRST in local:
        steps.run_citus("10_spread_meter_points", {"shards": shard_count})
    work_tables.make()
    for table in (*local, *work_tables.names()):
        if table != _FIRST:
            steps.run_citus("20_spread_beside_meter_points", {"table_name": table})
    for table in local:
        steps.run_citus("25_drop_what_was_moved", {"table_name": table})
    steps.run_citus("40_set_for_database", {})
