"""The arithmetic of the yardsticks, and that their data set is what the product itself would have kept."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django.db import connection

from bench import rows
from bench.rounds import figure_of, growth, percentile
from tests.orders.builders import NOON


class TestFigures:
    def test_are_the_median_and_how_far_the_rounds_lie_apart(self) -> None:
        figure = figure_of([10.0, 30.0, 20.0])
        assert (figure.median, figure.low, figure.high, figure.spread) == (20.0, 10.0, 30.0, 1.0)

    @pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100)])
    def test_percentile_is_what_that_share_does_not_exceed(self, share: float, value: int) -> None:
        assert percentile(list(range(100, 0, -1)), share) == value

    @pytest.mark.parametrize(("costs", "slope"), [([5, 5, 5], 0), ([1, 10, 100], 1)])
    def test_growth_is_the_slope_between_logarithms(self, costs: list[float], slope: float) -> None:
        assert growth([10, 100, 1000], costs) == pytest.approx(slope)


class TestDataSet:
    def test_has_the_words_that_the_database_would_find(self, db: None) -> None:
        columns = rows.TABLES[0][1].split()
        words = dict(zip(range(1, 41), rows._words(40, NOON), strict=True))
        for line in rows._orders(40, NOON):
            cells = dict(zip(columns, line.rstrip("\n").split("\t"), strict=True))
            with connection.cursor() as cursor:
                cursor.execute("select orders_words(%s)", [cells["search_text"].replace("\\n", "\n")])
                wanted = {word for (word,) in cursor.fetchall()}
            made = {one.split("\t")[1] for one in words[int(cells["id"])].splitlines()}
            assert made == wanted

    def test_gives_a_tenth_to_one_merchant_and_every_kind_to_it(self) -> None:
        shares = [rows.merchant_of(number) for number in range(1, 10_001)]
        assert shares.count(rows.BIG) == 1000
        assert len(set(shares)) == rows.MERCHANTS

    def test_lets_orders_come_one_after_another(self) -> None:
        ages = [age for _, _, age in rows._fates(100)]
        assert all(older > newer for older, newer in pairwise(ages))
        assert not ages[-1]
