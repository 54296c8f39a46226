# SPDX-License-Identifier: Apache-2.0
"""The first thread: a repository made by the command line decides a real TLS handshake."""

import pytest


@pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
def test_pinned_client_reads_the_page(backend, repository, install, host, protocol):
    site = backend.serve(host, protocols=protocol)
    repository.pin(host, site.key)
    repository.publish()
    client = install(repository, backend.nginx.serve_directory(repository.public))
    result = client.get(site.url, connect=site.address)
    assert result.returncode == 0, result.all
    assert result.stdout == "hello from the backend"
    assert [(entry["tls"], entry["manifest"]) for entry in backend.requests(host)] == [
        (protocol, "charter=2,main=2;d=1;w=1")]


@pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
def test_key_that_is_not_pinned_is_refused(backend, repository, install, host, protocol):
    site = backend.serve(host, protocols=protocol)
    repository.pin(host, backend.new_key()[1])
    repository.publish()
    client = install(repository, backend.nginx.serve_directory(repository.public))
    result = client.get(site.url, connect=site.address)
    assert result.returncode == 67, result.all
    assert result.stdout == ""
    assert backend.nginx.refused_handshakes() >= 1
    assert backend.requests(host) == []
