"""`make verify` and `make tune` on the sample run, and on what is wrong with a copy."""

import json
import shutil

import duckdb
import pytest

from ml.verify import look_at
from runtime.errors import UserError
from runtime.home import Home
from tests.draws import draw
from tests.in_process import call_daily
from tests.ml.damages import reseal


@pytest.fixture
def copied(sample, tmp_path) -> Home:
    """The sample run's home, to do harm in."""
    shutil.copytree(
        sample.home.root,
        tmp_path / "home",
        ignore=shutil.ignore_patterns("published", "dbt", "dlt", "docs"),
    )
    return Home(tmp_path / "home")


def failures(home: Home) -> dict[str, str]:
    return {one.subject: one.text for one in look_at(home) if one.is_met is False}


def change(home: Home, sql: str) -> None:
    with duckdb.connect(home.warehouse) as connection:
        connection.execute(sql)


def leave_traders(home: Home, count: int) -> None:
    """Leave the first traders only: a model for each is tuned and trained."""
    with duckdb.connect(home.warehouse) as connection:
        tables = connection.execute(
            "select table_name from duckdb_columns() "
            "inner join duckdb_tables() using (schema_name, table_name) "
            "where schema_name = 'marts' and column_name = 'trader_id'"
        ).fetchall()
        for (table,) in tables:
            connection.execute(
                f"delete from marts.{table} where trader_id not in (select trader_id "
                "from marts.dim_traders order by trader_id limit ?)",
                [count],
            )


def test_the_sample_is_sound_and_says_what_is_selected(copied) -> None:
    done = call_daily("verify", SOURCE="sample", RISK_HOME=copied.root)
    assert done.code == 0, done.err
    assert "come out the same again" in done.out
    assert "better than the desk's constant rate" in done.out


def test_a_changed_prediction_does_not_come_out_again(copied) -> None:
    change(
        copied,
        "update ml.predictions set predicted_pnl = predicted_pnl + 0.01 "
        "where model = 'champion'",
    )
    assert set(failures(copied)) == {"reproducible"}
    done = call_daily("verify", SOURCE="sample", RISK_HOME=copied.root)
    assert done.code == 1 and "FAIL  reproducible" in done.err


def test_a_feature_of_another_type_is_found(copied) -> None:
    change(
        copied,
        "create or replace table marts.feat_trader_day as select * replace "
        "(cast(fills_count as varchar) as fills_count) from marts.feat_trader_day",
    )
    assert "fills_count (BIGINT then, VARCHAR now)" in failures(copied)["features"]
    done = call_daily(
        "score", SOURCE="sample", RISK_HOME=copied.root,
        MODEL_VERSION=next(copied.models.glob("*/card.json")).parent.name,
        POLICY="rules",
    )  # fmt: skip
    assert done.code == 1 and "columns of another type" in done.err


def test_models_that_learned_too_little_are_stale(copied) -> None:
    card_file = next(copied.models.glob("*/card.json"))
    card = json.loads(card_file.read_text())
    for window in card["windows"]:
        window["trained_through"] = "2025-11-03"
    card_file.write_text(json.dumps(card))
    reseal(card_file.parent)
    assert set(failures(copied)) == {"fresh"}


def test_predictions_all_alike_are_found(copied) -> None:
    """Models that say nothing: trees cut away, no mean of the record left."""
    card_file = next(copied.models.glob("*/card.json"))
    card = json.loads(card_file.read_text())
    card["selection"]["selected"]["pnl"] = "global"
    card_file.write_text(json.dumps(card))
    booster = card_file.with_name(card["files"][""]["mean"])
    text = booster.read_text()
    kept = text[: text.index("Tree=0")].split("tree_sizes=")[0] + "tree_sizes=\n\n"
    booster.write_text(kept + text[text.index("end of trees") :])
    reseal(card_file.parent)
    change(copied, "update marts.feat_trader_day set net_pnl_ewm_momentum_20d = 0")
    assert "not constant" in failures(copied)


def test_a_model_that_is_gone_is_one_line(copied) -> None:
    shutil.rmtree(copied.models)
    with pytest.raises(UserError, match=r"There is no model .* Run `make train`"):
        look_at(copied)


def card(home: Home, version: str) -> dict:
    """Figures to twelve places: sums over the past may differ in the last ones."""
    return json.loads(
        (home.models / version / "card.json").read_text(),
        parse_float=lambda digits: f"{float(digits):.12g}",
        parse_constant=str,
    )


@pytest.mark.long
def test_a_damaged_model_is_refused_and_trained_anew(sample, copied) -> None:
    def run(step: str):
        done = call_daily(step, SOURCE="sample", RISK_HOME=copied.root)
        assert (done.out + done.err).count("\n") >= 1
        return done

    # Explain reads the published copy.
    shutil.copytree(sample.home.published, copied.published, symlinks=True)
    (version,) = [path.parent.name for path in copied.models.glob("*/card.json")]
    before = card(copied, version)
    harm = {
        "0000-loss.txt": lambda file: file.write_bytes(file.read_bytes()[:500]),
        "card.json": lambda file: file.write_bytes(b"{"),
        "SHA256SUMS": lambda file: file.unlink(),
    }
    for name, damage in list(harm.items())[: draw(1, 3)]:
        damage(copied.models / version / name)
        for step in ("score", "verify", "explain"):
            done = run(step)
            assert done.code == 1 and done.err.count("\n") == 1, step
            assert version in done.err and name in done.err
            assert "`make train`" in done.err
        done = run("train")
        assert done.code == 0 and f"in place of a damaged one ({name}" in done.out
        assert card(copied, version) == before
    assert "up to date" in run("train").out
    assert "nothing has changed" in run("score").out
    assert "come out the same again" in run("verify").out


@pytest.mark.long
def test_tuned_models_are_new_and_the_old_ones_still_score(copied) -> None:
    def run(step: str, **settings: str) -> str:
        done = call_daily(step, SOURCE="sample", RISK_HOME=copied.root, **settings)
        assert done.code == 0, done.err
        return done.out

    def written(column: str, table: str) -> set:
        with duckdb.connect(copied.warehouse, read_only=True) as connection:
            found = connection.execute(f"select {column} from ml.{table}").fetchall()
        return {row[0] for row in found}

    assert "nothing has changed" in run("score")
    leave_traders(copied, draw(2, 6))
    assert "a global model and" in run("train")
    assert "predicted for" in run("score")
    old = written("model_version", "roster").pop()
    trained_at = written("trained_at", "registry")
    before = written("predicted_pnl", "predictions")
    assert "unseen days" in run("tune")
    assert "a global model and" in run("train")
    assert "predicted for" in run("score")
    fresh = written("model_version", "roster").pop()
    assert fresh != old
    card = json.loads((copied.models / fresh / "card.json").read_text())
    assert card["settings"]["own_by_trader"]
    assert "predicted for" in run("score", MODEL_VERSION=old)
    assert written("model_version", "roster") == {old}
    assert written("predicted_pnl", "predictions") == before
    assert trained_at <= written("trained_at", "registry")
    assert "come out the same again" in run("verify")
    assert "predicted for" in run("score", MODEL_VERSION=old, POLICY="adaptive")
    assert "come out the same again" in run("verify")
