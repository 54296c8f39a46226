# SPDX-License-Identifier: Apache-2.0
"""A real nginx: TLS sites by name, directories over plain HTTP, and what it was asked for."""

import http.client
import json
import os
import signal
import socket
import ssl

from .process import LOOPBACK, Process, RigError, free_port, listens, program, wait_for

LOG_FORMAT = """log_format requests escape=json '{"host":"$ssl_server_name","port":$server_port,"line":"$request",'
               '"status":$status,"tls":"$ssl_protocol","manifest":"$http_pintle_manifest","agent":"$http_user_agent",'
               '"encoding":"$sent_http_content_encoding","bytes":$body_bytes_sent,"early":"$ssl_early_data"}';"""


class Site:
    """One name on one TLS port.  chain and key are PEM files, read again at every reload."""

    def __init__(self, nginx, host, chain, key, body, port, protocols, options):
        self.nginx, self.listen_port = nginx, port
        self.host, self.chain, self.key, self.body, self.protocols = host, chain, key, body, protocols
        self.options = options  # more directives
        self.root = None  # a directory to serve instead of body
        self.redirect = None  # a URL to which everything is redirected
        self.backend = None  # "address:port" to which everything is passed on, WebSockets too
        self.http2 = False

    @property
    def port(self):
        """Where it is served; whoever asks finds it running."""
        self.nginx.apply()
        return self.listen_port

    @property
    def address(self):
        return f"{LOOPBACK}:{self.port}"

    @property
    def url(self):
        return f"https://{self.host}/"

    def redirect_to(self, url):
        self.redirect = url
        self.nginx.changed = True
        self.nginx.apply()

    def config(self):
        answer = f"root {self.root};" if self.root else f"default_type text/plain; return 200 '{self.body}';"
        if self.redirect:
            answer = f"return 302 {self.redirect}$request_uri;"
        if self.backend:
            answer = (f"proxy_pass http://{self.backend}; proxy_http_version 1.1; "
                      'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";')
        http2 = " http2" if self.http2 else ""
        return (f"server {{ listen {LOOPBACK}:{self.listen_port} ssl{http2}; server_name {self.host}; "
                f"ssl_certificate {self.chain}; ssl_certificate_key {self.key}; ssl_protocols {self.protocols}; "
                f"{self.options} location / {{ {answer} }} }}")


class Nginx:
    """Add sites and directories in any order; it starts, or reloads, when the address of one is wanted."""

    def __init__(self, directory, keep=False, new_port=free_port):
        self.directory = directory
        self.new_port = new_port
        self.keep = keep
        self.request_log = directory / "requests.log"
        self.sites = []
        self.directories = {}
        self.options = {}  # of them, by port
        self.extra = {}  # server blocks made elsewhere, by port
        self.settled_port = new_port()
        self.process = None
        self.changed = False
        directory.mkdir(parents=True)

    def unused_port(self):
        """One that nothing of this nginx has: they are not bound before it starts."""
        while (port := self.new_port()) in self.ports():
            pass
        return port

    def serve(self, host, chain, key, body="hello from the backend", port=None, protocols="TLSv1.2 TLSv1.3",
              options=""):
        site = Site(self, host, chain, key, body, port or self.unused_port(), protocols, options)
        self.sites.append(site)
        self.changed = True
        return site

    def serve_directory(self, directory, options=""):
        """Plain HTTP, as any static file server would do it; returns the base URL."""
        port = self.unused_port()
        self.directories[port] = directory
        self.options[port] = options
        self.changed = True
        self.apply()
        return f"http://{LOOPBACK}:{port}"

    def serve_block(self, port, text):
        """A server block as it stands, which listens on that port."""
        self.extra[port] = text
        self.changed = True
        self.apply()

    def config(self):
        temporary = "".join(f"{kind}_temp_path {self.directory}/{kind}; "
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        servers = [site.config() for site in self.sites]
        servers += [f"server {{ listen {LOOPBACK}:{port}; root {directory}; {self.options.get(port, '')} }}"
                    for port, directory in self.directories.items()]
        servers += self.extra.values()
        servers += [f"server {{ listen {LOOPBACK}:{self.settled_port}; access_log off; return 204; }}"]
        user = "user root;" if os.geteuid() == 0 else ""
        return (f"{user} daemon off; worker_processes 1; worker_shutdown_timeout 1s; pid {self.directory}/pid;\n"
                f"error_log {self.directory}/error.log info;\nevents {{ worker_connections 256; }}\n"
                f"http {{ {LOG_FORMAT}\naccess_log {self.request_log} requests;\n{temporary}\n"
                "server_names_hash_bucket_size 256; ssl_session_cache shared:sessions:1m;\n" + "\n".join(servers) +
                "\n}\n")

    def apply(self):
        """Starts it, or makes it take what was added since."""
        if self.process is None:
            self.start()
        elif self.changed:
            self.reload()

    def start(self):
        self.write_config()
        self.process = Process([program("nginx"), "-e", self.directory / "error.log", "-p", self.directory, "-c",
                                self.directory / "nginx.conf"], self.directory / "output.log", keep=self.keep)
        self.wait_until_listening()
        # It listens before it is ready for signals, of which the first would end it; with a worker it is.
        wait_for("nginx to start a worker", self.workers, explain=self.errors)

    def write_config(self):
        (self.directory / "nginx.conf").write_text(self.config())
        self.changed = False

    def ports(self):
        return [self.settled_port, *(site.listen_port for site in self.sites), *self.directories, *self.extra]

    def wait_until_listening(self):
        wait_for("nginx to listen", lambda: not self.process.alive() or all(map(listens, self.ports())),
                 explain=self.process.output)
        if not self.process.alive():
            raise RigError("nginx ended: " + self.process.output())

    def workers(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as children:
            return set(children.read().split())

    def reload(self):
        """SIGHUP; returns when the old workers are gone, so that every new connection sees the new files."""
        before = self.workers()
        self.write_config()
        self.process.send(signal.SIGHUP)
        wait_for("nginx to reload", lambda: self.workers() and not self.workers() & before, explain=self.errors)
        self.wait_until_listening()

    def settle(self):
        """Returns when it has logged what it was asked before now.  It logs after it answers, and its one worker does
        one thing after another, so an answer to a later connection says that the earlier ones are done with."""
        if self.process is not None and self.process.alive():
            asked = http.client.HTTPConnection(LOOPBACK, self.settled_port, timeout=10)
            asked.request("GET", "/")
            asked.getresponse().read()
            asked.close()

    def errors(self):
        return (self.directory / "error.log").read_text(errors="replace")

    def logged(self):
        self.settle()
        log = self.request_log
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def requests(self, host=None):
        """What the TLS sites were asked for, each a dictionary."""
        return [entry for entry in self.logged() if entry["tls"] and (host is None or entry["host"] == host)]

    def fetched(self, url):
        """What was asked for below the URL of a directory, each a dictionary."""
        port = int(url.rsplit(":", 1)[1])
        return [entry for entry in self.logged() if entry["port"] == port]

    def refused_handshakes(self):
        """TLS handshakes that the client broke off with an alert."""
        self.settle()
        return sum("SSL" in line and "alert" in line for line in self.errors().splitlines())

    def stop(self):
        if self.process:
            self.process.stop()


def served_certificate(site):
    """The leaf that a client of the site sees now, DER."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((LOOPBACK, site.port), timeout=5) as raw:
        with context.wrap_socket(raw, server_hostname=site.host) as tls:
            return tls.getpeercert(binary_form=True)
