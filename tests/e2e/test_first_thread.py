# SPDX-License-Identifier: Apache-2.0
"""The first thread: a repository made by the command line decides a real TLS handshake."""


def test_pinned_client_reads_the_page(nginx, repository, pintle):
    key, chain = nginx.serve("api.example.test", body="hello from the backend")
    repository.run("host", "add", "api.example.test", "--zone", "main")
    repository.run("pin", "add", "api.example.test", "--key", key)
    repository.sign_and_publish()
    result = pintle.get("https://api.example.test/", ca=nginx.ca, connect=nginx.address, client_of=repository)
    assert result.returncode == 0, result.stderr
    assert "hello from the backend" in result.stdout


def test_key_that_is_not_pinned_is_refused(nginx, repository, pintle):
    key, chain = nginx.serve("api.example.test", body="hello from the backend")
    other = nginx.new_key()
    repository.run("host", "add", "api.example.test", "--zone", "main")
    repository.run("pin", "add", "api.example.test", "--key", other)
    repository.sign_and_publish()
    result = pintle.get("https://api.example.test/", ca=nginx.ca, connect=nginx.address, client_of=repository)
    assert result.returncode == 67
    assert "hello from the backend" not in result.stdout
    assert nginx.requests() == []
