"""
Django's PostgreSQL backend on a server that the first connection starts.

`OPTIONS["data_dir"]` names the folder of the server; HOST, PORT and USER are found here.
"""

import os
from collections.abc import Iterable
from typing import Any

import psycopg
from django.db.backends.postgresql import base, client

from etl.postgres.embedded import instance, server


class DatabaseClient(client.DatabaseClient):
    """The shell of `manage.py dbshell`: psql, with pg_dump and the others on its PATH."""

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        address = server.at(settings_dict["OPTIONS"].get("data_dir")).ensure_running(
            database=settings_dict["NAME"]
        )
        place = {"HOST": address.host, "PORT": str(address.port), "USER": address.user}
        arguments, environment = super().settings_to_cmd_args_env(
            {**settings_dict, **place}, parameters
        )
        return arguments, {
            **(environment or {}),
            "PATH": os.pathsep.join([str(address.programs), os.environ.get("PATH", os.defpath)]),
            "PGDATABASE": settings_dict["NAME"],
            **{f"PG{name}": value for name, value in place.items()},
        }


class DatabaseWrapper(base.DatabaseWrapper):
    client_class = DatabaseClient

    @property
    def queries_logged(self) -> bool:
        """Whether statements are kept: not under DEBUG, since those of a load are very many."""
        return bool(self.force_debug_cursor)

    def get_connection_params(self) -> dict[str, Any]:
        """
        Return what to connect with, having started the server.

        :raises EmbeddedServerError: if the server cannot be started
        """
        parameters: dict[str, Any] = super().get_connection_params()
        parameters.pop("data_dir", None)
        address = self._server.ensure_running(database=parameters["dbname"])
        place = {"host": address.host, "port": address.port, "user": address.user}
        return {"connect_timeout": instance.CONNECT_TIMEOUT, **parameters, **place}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """
        Connect, once more where the server was recovering, going down or silent.

        :raises EmbeddedServerError: if it does not come round
        """
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError as error:
            if error.sqlstate is not None:
                raise
        self._server.ensure_running(database=conn_params["dbname"], is_in_doubt=True)
        return super().get_new_connection(conn_params)

    @property
    def _server(self) -> server.Server:
        return server.at(self.settings_dict["OPTIONS"].get("data_dir"))
