"""Has Celery configured wherever Django is: a view wakes workers too."""

from django.apps import AppConfig

from pushdash.celery import app as celery_app

__all__ = ["PushdashConfig", "celery_app"]


class PushdashConfig(AppConfig):
    name = "pushdash"
