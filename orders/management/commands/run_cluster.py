"""One task cluster, as `work` runs it."""

from __future__ import annotations

import gc
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django_q.management.commands.qcluster import Command as QCluster

import orders.tasks  # noqa: F401 - workers run it, and need not each load it anew
from orders.cluster import die_as_a_family, die_with, stand_back


class Command(QCluster):
    help = "django-q2's cluster, whose processes die with their parents. Started by `work`, not by hand."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--parent", type=int, required=True, help="the process to live with")

    def handle(self, *args: Any, **options: Any) -> None:
        die_with(options["parent"])
        die_as_a_family()
        stand_back(settings.WORKER_NICENESS)
        settings.DEBUG = False  # a worker shows no pages; Django would write down every statement
        gc.collect()
        gc.freeze()  # what is loaded by now is shared by all workers, and looked through by none of them
        super().handle(*args, **options)
