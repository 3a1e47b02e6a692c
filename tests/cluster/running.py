"""A Kubernetes control plane on this machine, without containers: its nodes and pods are played by kwok."""

import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme
import yaml
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.cluster.programs import Programs

TOKEN = "of-the-test-alone"
READY_SECONDS = 60
NODES = 3


@dataclass(frozen=True)
class Cluster:
    """A running control plane; `kubeconfig` is its administrator's."""

    kubeconfig: Path


@contextmanager
def running(programs: Programs) -> Iterator[Cluster]:
    """Up, with every node ready; all of it ends with the block."""
    with TemporaryDirectory(prefix="careloop-cluster-") as folder, ExitStack() as ends:
        control = _ControlPlane(programs, Path(folder), ends)
        control.start()
        yield Cluster(control.kubeconfig)


class _ControlPlane:
    def __init__(self, programs: Programs, folder: Path, ends: ExitStack) -> None:
        self._programs = programs
        self._folder = folder
        self._ends = ends
        self._etcd, self._etcd_peers, self._api = free_port(), free_port(), free_port()
        self.kubeconfig = folder / "kubeconfig"

    def start(self) -> None:
        self._credentials()
        self._run("etcd", *self._of_etcd())
        self._run("kube-apiserver", *self._of_the_api())
        self._until_ready()
        key = self._file("service-accounts.key")
        self._run(
            "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig}",
            f"--service-account-private-key-file={key}",
            f"--root-ca-file={self._file('ca.crt')}",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            "--secure-port=0",
        )
        self._run("kube-scheduler", f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--secure-port=0")
        self._run("kwok", f"--kubeconfig={self.kubeconfig}", "--manage-all-nodes", f"--config={self._programs.stages}")

    def _of_etcd(self) -> list[str]:
        clients, peers = f"http://127.0.0.1:{self._etcd}", f"http://127.0.0.1:{self._etcd_peers}"
        return [
            f"--data-dir={self._file('etcd')}",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            "--unsafe-no-fsync",
        ]

    def _of_the_api(self) -> list[str]:
        return [
            f"--etcd-servers=http://127.0.0.1:{self._etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._api}",
            f"--tls-cert-file={self._file('server.crt')}",
            f"--tls-private-key-file={self._file('server.key')}",
            f"--token-auth-file={self._file('tokens')}",
            "--authorization-mode=Node,RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self._file('service-accounts.pub')}",
            f"--service-account-signing-key-file={self._file('service-accounts.key')}",
            "--allow-privileged=true",
        ]

    def _credentials(self) -> None:
        authority = trustme.CA()
        server = authority.issue_cert("127.0.0.1", "localhost")
        authority.cert_pem.write_to_path(str(self._file("ca.crt")))
        server.private_key_pem.write_to_path(str(self._file("server.key")))
        server.cert_chain_pems[0].write_to_path(str(self._file("server.crt")))
        key = generate_private_key(65537, 2048)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self._file("service-accounts.key").write_bytes(private)
        self._file("service-accounts.pub").write_bytes(public)
        self._file("tokens").write_text(f'{TOKEN},administrator,1,"system:masters"\n')
        server_of = {"server": f"https://127.0.0.1:{self._api}", "certificate-authority": str(self._file("ca.crt"))}
        self.kubeconfig.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "test", "cluster": server_of}],
                    "users": [{"name": "administrator", "user": {"token": TOKEN}}],
                    "contexts": [{"name": "test", "context": {"cluster": "test", "user": "administrator"}}],
                    "current-context": "test",
                }
            )
        )

    def _run(self, name: str, *words: str) -> None:
        log = self._ends.enter_context(self._file(f"{name}.log").open("w"))
        command = [str(self._programs.folder / name), *words]
        child = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=self._folder)
        self._ends.callback(child.wait)
        self._ends.callback(child.kill)

    def _until_ready(self) -> None:
        """Raises SystemExit with the end of its log when the API server does not come up."""
        context = ssl.create_default_context(cafile=self._file("ca.crt"))
        request = urllib.request.Request(f"https://127.0.0.1:{self._api}/readyz")
        request.add_header("Authorization", f"Bearer {TOKEN}")
        give_up = time.monotonic() + READY_SECONDS
        while time.monotonic() < give_up:
            try:
                with urllib.request.urlopen(request, context=context, timeout=2):
                    return
            except OSError:
                time.sleep(0.2)
        raise SystemExit(self._file("kube-apiserver.log").read_text()[-3000:])

    def _file(self, name: str) -> Path:
        return self._folder / name


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def node(number: int) -> dict[str, object]:
    """A node for kwok to play; each is in a zone of its own."""
    labels = {"kubernetes.io/hostname": f"node-{number}", "topology.kubernetes.io/zone": f"zone-{number}"}
    metadata = {"name": f"node-{number}", "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata}
