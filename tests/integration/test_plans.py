"""
No plan of the planner's makes a step go through anything again and again.

Each step of a load and of `reconcile` runs over some 5,000 lines, beside 500,000 others (25,000 in
a quick run), with the joins that the planner would choose if it were as wrong as it can be. How
often a plan goes through rows again is counted, which tells the same on every machine; that it
also ends in seconds is seen to by a time limit.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import psycopg.sql
import pytest
from django import db
from django.core import management
from django.db import transaction
from pytest_django import DjangoDbBlocker

import sql
from etl.domain import clock
from etl.postgres import staged_lines, steps
from etl.usecases import transform
from tests import depth
from tests.integration import contents, large_store
from warehouse import keys, models


NOON = datetime.datetime(2024, 2, 2, 12, tzinfo=datetime.timezone.utc)
COPIES, STORED_LINES = depth.size(quick=(6, 25_000), thorough=(110, 500_000))
SECONDS_A_STEP = 5
# Some are looked for in the catalogues of findings and of items, 60 rows without an index.
REPEATED_ROWS_A_LINE = 60

EXPLAIN = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON)"

Plan = Mapping[str, Any]
Rows = Mapping[str, Sequence[Any]]


def execute(*statements: str) -> None:
    with db.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def nothing() -> None:
    pass


# What is switched off, and what the planner is told: the tables are analyzed before the files are
# staged, and not after.
WAYS: Mapping[str, tuple[Sequence[str], Callable[[], None]]] = {
    "as usual": ((), large_store.analyze),
    "without hash and merge joins": (("enable_hashjoin", "enable_mergejoin"), nothing),
    "without nested loops": (("enable_nestloop",), nothing),
    "without statistics": ((), large_store.forget_statistics),
    "with statistics from before": ((), nothing),
    "with statistics of empty tables": ((), large_store.believe_empty),
}
# The files of a run, by how their names begin.
RUNS = {"a file": "next", "a batch of strict files": "small"}
TABLES = ("meter_point", "meter", "register", "reading", "site_visit", "line_issue", "flow_file")
LINE_IDS = {"line_issue": "flow_file_id << 32", "meter_point": "line_id", "flow_file": "id << 32"}
# What happens to a store by hand, or by a fault.
FAULTS = (
    "DELETE FROM reading WHERE id >= {first} AND id % 7 = 0",
    "UPDATE reading SET value = value + 1 WHERE id >= {first} AND id % 7 = 1",
    "UPDATE reading SET identifier = '??' WHERE id >= {first} AND id % 7 = 2",
    "UPDATE reading SET reading_status = 'F' WHERE id >= {first} AND id % 7 = 3",
    "UPDATE reading SET read_at = read_at + interval '1 day' WHERE id >= {first} AND id % 7 = 4",
    "DELETE FROM site_visit WHERE id >= {first} AND id % 3 = 0",
    "UPDATE site_visit SET check_code = '??' WHERE id >= {first} AND id % 3 = 1",
    "UPDATE site_visit SET reading_id = 1 WHERE id >= {first} AND reading_id % 3 = 2",
    "DELETE FROM register WHERE id >= {first} AND id % 3 = 0",
    "UPDATE register SET identifier = reverse(identifier) WHERE id >= {first} AND id % 3 = 1",
    "DELETE FROM meter WHERE id >= {first} AND id % 3 = 0",
    "UPDATE meter SET serial_number = '?' WHERE id >= {first} AND id % 3 = 1",
    "DELETE FROM meter_point WHERE line_id >= {first} AND line_id % 3 = 0",
    "UPDATE flow_file SET reading_count = reading_count + 1 WHERE id >= {first} >> 32",
    "UPDATE flow_file SET reason = 'so' WHERE id >= {first} >> 32",
)


@pytest.fixture(scope="module")
def store(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,  # noqa: ARG001 - for its effect, which a module can't ask for otherwise
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    """Store hundreds of files, and stage a file and a batch that they did not know of."""
    folder = tmp_path_factory.mktemp("files")

    def load(name: str, files: Sequence[bytes], *options: str) -> None:
        paths = [folder / f"{name}{number}.uff" for number in range(len(files))]
        for path, content in zip(paths, files, strict=True):
            path.write_bytes(content)
        management.call_command("load_d0010", *map(str, paths), *options, stdout=io.StringIO())

    with django_db_blocker.unblock():
        load("stored", [contents.stored_file()])
        large_store.keep_statistics(as_they_are=True)
        large_store.repeat(copies=COPIES)
        large_store.analyze()
        load("next", [contents.next_file()], "--stage-only")
        load(
            "small",
            contents.small_files(depth.size(quick=50, thorough=1_000)),
            "--stage-only",
            "--strict",
            "--batch",
        )
        yield
        large_store.keep_statistics(as_they_are=False)
        management.call_command("flush", interactive=False)


@functools.cache
def files_of(run: str) -> tuple[Sequence[int], int]:
    """Return the ids of the staged files of a run, and how many lines they have."""
    files = models.FlowFile.objects.filter(file_name__startswith=RUNS[run], status="STAGED")
    found = dict(files.order_by("id").values_list("id", "line_count"))
    return list(found), sum(found.values())


def repeated_rows(plan: Plan) -> int:
    """Return how many rows a plan comes by where it does something again."""
    rows = 0
    if plan["Actual Loops"] > 1:
        passed_over = sum(plan[name] for name in plan if name.startswith("Rows Removed by"))
        rows = round(plan["Actual Loops"] * (plan["Actual Rows"] + passed_over))
    return rows + sum(map(repeated_rows, plan.get("Plans", ())))


def read_as_a_whole(plan: Plan) -> set[str]:
    """Return the tables that a plan reads from end to end."""
    below = (read_as_a_whole(part) for part in plan.get("Plans", ()))
    is_scan = plan.get("Node Type") == "Seq Scan"
    return set().union(*below, [plan["Relation Name"]] if is_scan else [])


def is_shared(plan: Plan) -> bool:
    """Tell whether a plan has several processes work on it."""
    return "Workers Planned" in plan or any(map(is_shared, plan.get("Plans", ())))


@contextlib.contextmanager
def explained(most_rows: int) -> Iterator[Mapping[str, Plan]]:
    """
    Have each step explain what it did: nothing, if it is no more than an index or statistics.

    Fail where it went through more rows again than this.
    """
    plans: dict[str, Plan] = {}

    def explain(execute: Callable[..., Any], query: str, parameters: Any, *of_django: Any) -> Any:
        tag = re.match(r"/\* (\w+) \*/ ", str(query))
        if not tag:
            return execute(query, parameters, *of_django)
        plans[tag[1]] = {}
        try:
            if re.search(r"^(ANALYZE|CREATE (UNIQUE )?INDEX)", query, re.MULTILINE):
                return execute(query, parameters, *of_django)
            execute(f"{EXPLAIN} {query}", parameters, *of_django)
        except db.OperationalError as error:
            pytest.fail(f"{tag[1]}: {error}")
        ((told,),) = of_django[-1]["cursor"].fetchone()
        plans[tag[1]] = told["Plan"]
        found = repeated_rows(told["Plan"])
        assert found <= most_rows, f"{tag[1]} goes through {found} rows again: {told}"
        if tag[1] in sql.names("reconcile") or "-- Gives:" in query:
            return execute(query, parameters, *of_django)
        return None

    with db.connection.execute_wrapper(explain):
        yield plans


def stored(table: str, ids: Sequence[int]) -> Sequence[str]:
    """Return the rows of these files as text; the ids of issues tell nothing."""
    of_line = LINE_IDS.get(table, "id")
    with db.connection.cursor() as cursor:
        cursor.execute(
            psycopg.sql.SQL(
                "SELECT (to_jsonb(stored) - %s)::text FROM {} AS stored"
                " WHERE ({}) >> 32 BETWEEN %s AND %s ORDER BY 1"
            ).format(psycopg.sql.Identifier(table), psycopg.sql.SQL(of_line)),
            ["id" if table == "line_issue" else "", ids[0], ids[-1]],
        )
        return [text for (text,) in cursor.fetchall()]


def reconciled(ids: Sequence[int]) -> Rows:
    """Return what each statement of `reconcile` finds."""
    first_stretch, last_stretch = staged_lines.stretches(ids[0], ids[-1])
    parameters = {
        "first_file_id": ids[0],
        "last_file_id": ids[-1],
        "first_line_id": staged_lines.line_ids(ids[0])[0],
        "last_line_id": staged_lines.line_ids(ids[-1])[1],
        "first_stretch": first_stretch,
        "last_stretch": last_stretch,
        "time_zone": clock.TIME_ZONE,
        "blanks": keys.BLANKS,
    }
    return {name: steps.run_reconcile(name, parameters) for name in sql.names("reconcile")}


@functools.cache
def outcome(run: str, way: str) -> Rows:
    """Return the rows that a run gives, and what `reconcile` says before and after some faults."""
    ids, line_count = files_of(run)
    switched_off, inform_planner = WAYS[way]
    before = transaction.savepoint()
    inform_planner()
    execute(
        f"SET LOCAL statement_timeout = '{SECONDS_A_STEP}s'",
        "SET LOCAL max_parallel_workers_per_gather = 0",  # each counts as going through it again
        *(f"SET LOCAL {name} = off" for name in switched_off),
    )
    with explained(REPEATED_ROWS_A_LINE * line_count) as plans:
        transform.transform_files(flow_file_ids=ids, transformed_at=NOON)
        rows = {table: stored(table, ids) for table in TABLES}
        sound = reconciled(ids)
        execute(*(fault.format(first=f"({ids[0]}::bigint << 32)") for fault in FAULTS))
        faulty = reconciled(ids)
    assert plans.keys() == {*sql.names("transform"), *sql.names("reconcile")}
    transaction.savepoint_rollback(before)
    return {
        **rows,
        **{f"{name}, sound": found for name, found in sound.items()},
        **{f"{name}, faulty": found for name, found in faulty.items()},
    }


@pytest.mark.thorough
@pytest.mark.django_db
@pytest.mark.usefixtures("store")
class TestSteps:
    @pytest.fixture(autouse=True)
    def _of_large_files(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have few lines dealt with as many are."""
        monkeypatch.setattr(steps, "LINES_WORTH_A_SCAN", 0)

    def test_have_something_to_do_beside_many_lines(self) -> None:
        with db.connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM staged_line")
            assert cursor.fetchone()[0] > STORED_LINES
        idle = {name for name, rows in outcome("a file", "as usual").items() if not rows}
        assert idle == {f"{name}, sound" for name in steps.COMPARISONS}

    @pytest.mark.parametrize("run", depth.some([*RUNS], one_of=2))
    @pytest.mark.parametrize("way", depth.some([*WAYS], one_of=3, first=1))
    def test_give_the_same_rows_in_seconds_by_any_plan(self, run: str, way: str) -> None:
        found = outcome(run, way)

        usual = outcome(run, "as usual")
        for name, rows in usual.items():
            assert found[name] == rows, name


@pytest.mark.django_db
@pytest.mark.usefixtures("store")
class TestStepsOverFewLines:
    @pytest.mark.parametrize("inform_planner", [large_store.believe_empty, nothing])
    def test_go_through_nothing_again_and_again(self, inform_planner: Callable[[], None]) -> None:
        ids, line_count = files_of("a file")
        inform_planner()

        with explained(REPEATED_ROWS_A_LINE * line_count) as plans:
            transform.transform_files(flow_file_ids=ids, transformed_at=NOON)

        assert plans

    def test_look_keys_up_though_the_planner_takes_them_for_many(self) -> None:
        ids, line_count = files_of("a file")
        large_store.forget_statistics()
        execute(
            "UPDATE pg_class SET relpages = 1, reltuples = 100000"
            " WHERE oid = 'staged_text'::regclass"
        )

        with explained(REPEATED_ROWS_A_LINE * line_count) as plans:
            transform.transform_files(flow_file_ids=ids, transformed_at=NOON)

        read = set().union(*map(read_as_a_whole, plans.values()))
        assert read.isdisjoint({"staged_text", "meter_point", "meter", "register", "reading"})

    @pytest.mark.parametrize("is_worth_it", [True, False], ids=["many", "few"])
    def test_are_shared_among_processes_though_the_planner_takes_many_for_few(
        self,
        monkeypatch: pytest.MonkeyPatch,
        is_worth_it: bool,  # noqa: FBT001 - a parameter
    ) -> None:
        ids, line_count = files_of("a file")
        monkeypatch.setattr(steps, "LINES_WORTH_SHARING", line_count + (not is_worth_it))
        staged_lines.analyze()

        with explained(REPEATED_ROWS_A_LINE * line_count) as plans:
            transform.transform_files(flow_file_ids=ids, transformed_at=NOON)

        assert is_shared(plans["30_judge_readings"]) == is_worth_it
