# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Ingress through istio-ingress-k8s: one host, handed over whole.

The relation is ``istio_ingress_route``, as ``charmlibs-interfaces-istio-ingress-route`` has it.
The library is imported only when there is a relation, because a hook pays for every import.
"""

from __future__ import annotations

import logging
import re
from typing import Final

import ops

logger = logging.getLogger(__name__)

_KEY: Final = 'config'  # what the library's requirer writes
_HOST: Final = re.compile(r'[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]')
_DEFAULT_PORTS: Final = {'http': 80, 'https': 443}


class IstioIngress:
    """Asks for the whole host ``/`` of a gateway, and says what the outside URL is.

    Args:
        charm: The charm that wants to be reached.
        port: The port of its Service.
        relation_name: Endpoint of interface ``istio_ingress_route``.
    """

    def __init__(self, charm: ops.CharmBase, port: int, relation_name: str = 'ingress'):
        self._charm = charm
        self._port = port
        self._relation_name = relation_name

    @property
    def is_related(self) -> bool:
        """Whether there is an ingress to ask."""
        return bool(self._relations)

    @property
    def _relations(self) -> list[ops.Relation]:
        return self._charm.model.relations[self._relation_name]

    def publish(self, listener_port: int) -> None:
        """Ask for the whole host on the gateway's port ``listener_port``.

        The same request again writes nothing. A follower's call does nothing.
        """
        if not self._relations or not self._charm.unit.is_leader():
            return
        from charmlibs.interfaces import istio_ingress_route as istio

        listener = istio.Listener(port=listener_port, protocol=istio.ProtocolType.HTTP)
        match = istio.HTTPRouteMatch(
            path=istio.HTTPPathMatch(type=istio.HTTPPathMatchType.PathPrefix, value='/')
        )
        route = istio.HTTPRoute(
            name=self._charm.app.name,
            listener=listener,
            matches=[match],
            backends=[istio.BackendRef(service=self._charm.app.name, port=self._port)],
        )
        wanted = istio.IstioIngressRouteConfig(
            model=self._charm.model.name, listeners=[listener], http_routes=[route]
        )
        if self._published() != {wanted.model_dump_json()}:
            istio.IstioIngressRouteRequirer(self._charm, self._relation_name).submit_config(wanted)

    def withdraw(self) -> None:
        """Take the request back, so that nobody reaches us from outside.

        A follower's call does nothing.
        """
        if not self._charm.unit.is_leader():
            return
        for relation in self._relations:
            databag = relation.data[self._charm.app]
            if _KEY in databag:
                del databag[_KEY]

    def url(self, listener_port: int) -> str | None:
        """Return the URL that people use, or None while the gateway has not said its host.

        What is neither a name nor an address of a host counts as not said.
        """
        for relation in self._relations:
            if relation.app is None:  # pyright: ignore[reportUnnecessaryComparison] -- None in broken
                continue
            databag = relation.data[relation.app]
            host = databag.get('external_host')
            if host and not _HOST.fullmatch(host):
                logger.warning('%s published malformed data: external_host', relation.app.name)
            elif host:
                scheme = 'https' if databag.get('tls_enabled') == 'True' else 'http'
                plain = listener_port == _DEFAULT_PORTS[scheme]
                return f'{scheme}://{host}' if plain else f'{scheme}://{host}:{listener_port}'
        return None

    def _published(self) -> set[str | None]:
        return {each.data[self._charm.app].get(_KEY) for each in self._relations}
