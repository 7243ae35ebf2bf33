"""Stands in for systemctl in the laboratory: reads the distribution's real units and obeys them.

A reader types `systemctl restart tinyproxy`, so the laboratory types the same. This reads
ExecStart and its relatives, Type, PIDFile, User and EnvironmentFile from the unit and its
drop-ins, and starts the daemon as that user. Units without a file fall back to /etc/init.d.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

PLACES = [Path(folder) for folder in ("/etc/systemd/system", "/usr/lib/systemd/system")]
STATE = Path("/run/stand-in")
FORGET = ["nft", "flush", "ruleset"]
"""Debian's iptables writes into nftables too, so this empties both."""
SHELL = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
}


class Unit:
    """One service with its drop-ins laid over it."""

    def __init__(self, name: str) -> None:
        self.name = name.removesuffix(".service")
        self.template, _, self.instance = self.name.partition("@")
        self.settings: dict[str, list[str]] = {}
        self.file = next((path for path in map(self._place, PLACES) if path.exists()), None)
        if self.file:
            self._read(self.file)
            for place in reversed(PLACES):
                for extra in sorted((place / f"{self.name}.service.d").glob("*.conf")):
                    self._read(extra)

    def _place(self, folder: Path) -> Path:
        exact = folder / f"{self.name}.service"
        return (
            exact if exact.exists() or not self.instance else folder / f"{self.template}@.service"
        )

    def _read(self, path: Path) -> None:
        section = ""
        for line in path.read_text().replace("\\\n", " ").splitlines():
            text = line.strip()
            if text.startswith("["):
                section = text
            elif section == "[Service]" and "=" in text and not text.startswith(("#", ";")):
                key, value = (part.strip() for part in text.split("=", 1))
                listed = self.settings.setdefault(key, [])
                if value:
                    listed.append(value)
                else:
                    listed.clear()

    def wanted(self) -> list[Path]:
        """The links that `enable` makes, as the unit's own [Install] says."""
        text = self.file.read_text() if self.file and not self.masked else ""
        targets = re.findall(r"^WantedBy=(.+)$", text, re.MULTILINE)
        names = [name for line in targets for name in line.split()]
        return [PLACES[0] / f"{name}.wants" / f"{self.name}.service" for name in names]

    def enable(self) -> bool:
        for link in self.wanted():
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(self.file)
        return True

    def disable(self) -> bool:
        for link in PLACES[0].glob(f"*.wants/{self.name}.service"):
            link.unlink()
        return True

    @property
    def enabled(self) -> bool:
        return any(PLACES[0].glob(f"*.wants/{self.name}.service"))

    def texts(self) -> list[str]:
        """What `systemctl cat` prints: the unit, then its drop-ins."""
        if self.file is None:
            return []
        extras = [
            extra
            for place in reversed(PLACES)
            for extra in sorted((place / f"{self.name}.service.d").glob("*.conf"))
        ]
        return [f"# {path}\n{path.read_text()}" for path in (self.file, *extras)]

    def one(self, key: str, default: str = "") -> str:
        return self.settings.get(key, [default])[-1] if self.settings.get(key) else default

    @property
    def masked(self) -> bool:
        return self.file is not None and self.file.resolve() == Path("/dev/null")

    def environment(self) -> dict[str, str]:
        found = dict(SHELL)
        for given in self.settings.get("Environment", []):
            found.update(part.split("=", 1) for part in shlex.split(given) if "=" in part)
        for name in self.settings.get("EnvironmentFile", []):
            path = Path(name.removeprefix("-"))
            for line in path.read_text().splitlines() if path.exists() else []:
                if "=" in line and not line.lstrip().startswith("#"):
                    key, value = line.split("=", 1)
                    found[key.strip()] = value.strip().strip("\"'")
        return found

    def command(self, text: str, pid: int | None = None) -> tuple[list[str], bool]:
        """The words to start, and whether a failure is overlooked."""
        lenient = "-" in text[:3]
        text = text.lstrip("-+!@:").replace("%i", self.instance).replace("%I", self.instance)
        env = {**self.environment(), "MAINPID": str(pid or "")}
        words: list[str] = []
        for word in shlex.split(text):
            bare = re.fullmatch(r"\$(\w+)", word)
            if bare:
                words.extend(shlex.split(env.get(bare[1], "")))
            else:
                words.append(re.sub(r"\$\{(\w+)\}", lambda found: env.get(found[1], ""), word))
        return words, lenient

    def main_pid(self) -> int | None:
        kept = STATE / self.name
        places = [Path(self.one("PIDFile")), kept] if self.one("PIDFile") else [kept]
        for place in places:
            try:
                pid = int(place.read_text())
            except (OSError, ValueError):
                continue
            if lives(pid):
                return pid
        return None

    def run_all(self, key: str, pid: int | None = None) -> bool:
        for text in self.settings.get(key, []):
            words, lenient = self.command(text, pid)
            done = subprocess.run(
                words, env=self.environment(), stdin=subprocess.DEVNULL, check=False
            )
            if done.returncode and not lenient:
                return False
        return True

    def start(self) -> bool:
        if self.masked:
            return complain(
                f"Failed to start {self.name}.service: Unit {self.name}.service is masked."
            )
        if self.main_pid():
            return True
        for key, root in (
            ("RuntimeDirectory", "/run"),
            ("LogsDirectory", "/var/log"),
            ("StateDirectory", "/var/lib"),
        ):
            for name in " ".join(self.settings.get(key, [])).split():
                folder = Path(root) / name
                folder.mkdir(parents=True, exist_ok=True)
                if self.one("User"):
                    subprocess.run(["chown", self.one("User"), folder], check=False)
        if not self.run_all("ExecStartPre"):
            return complain(f"Job for {self.name}.service failed.")
        words, _ = self.command(self.one("ExecStart"))
        if not words:
            return complain(f"Unit {self.name}.service has nothing to start.")
        become = {"user": self.one("User")} if self.one("User") else {}
        if self.one("Group"):
            become["group"] = self.one("Group")
        out = os.open(f"/var/log/{self.name}.stand-in", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        process = subprocess.Popen(
            words,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            cwd=self.one("WorkingDirectory", "/").lstrip("-~") or "/",
            **become,
        )
        if self.one("Type", "simple") in {"forking", "oneshot"}:
            failed = process.wait() != 0
            time.sleep(0.5)
            if not self.one("PIDFile") and (guess := daemon_of(words[0])):
                (STATE / self.name).write_text(str(guess))
        else:
            (STATE / self.name).write_text(str(process.pid))
            time.sleep(0.8)
            failed = process.poll() not in {None, 0}
        if failed:
            return complain(
                f"Job for {self.name}.service failed because the control process exited with error code."
            )
        return self.run_all("ExecStartPost")

    def stop(self) -> bool:
        pid = self.main_pid()
        self.run_all("ExecStop", pid)
        if pid:
            self._end(pid)
        self.run_all("ExecStopPost", pid)
        (STATE / self.name).unlink(missing_ok=True)
        return True

    def _end(self, pid: int) -> None:
        try:
            os.killpg(
                os.getpgid(pid), getattr(signal, self.one("KillSignal", "SIGTERM"), signal.SIGTERM)
            )
            deadline = time.monotonic() + 8
            while lives(pid) and time.monotonic() < deadline:
                time.sleep(0.05)
            os.killpg(os.getpgid(pid), signal.SIGKILL)
        except ProcessLookupError:
            return

    def reload(self) -> bool:
        if not self.settings.get("ExecReload"):
            return complain(
                f"Failed to reload {self.name}.service: Job type reload is not applicable for unit {self.name}.service."
            )
        return self.run_all("ExecReload", self.main_pid())


def daemon_of(program: str) -> int | None:
    """Guess the main process as systemd does: of that program, its parent gone."""
    for pid in sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        try:
            parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
            if parent == "1" and Path(f"/proc/{pid}/exe").resolve() == Path(program).resolve():
                return pid
        except OSError:
            continue
    return None


def lives(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def complain(text: str) -> bool:
    sys.stderr.write(f"{text}\n")
    return False


def by_script(name: str, verb: str) -> bool:
    script = Path("/etc/init.d") / name
    if not script.exists():
        return complain(f"Failed to {verb} {name}.service: Unit {name}.service not found.")
    done = subprocess.run(
        [str(script), verb],
        env={**SHELL, "SYSTEMCTL_SKIP_REDIRECT": "1", "_SYSTEMCTL_SKIP_REDIRECT": "1"},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    time.sleep(0.5)
    return done.returncode == 0


def obey(verb: str, name: str) -> bool:
    unit = Unit(name)
    if verb in {"enable", "disable"}:
        return unit.enable() if verb == "enable" else unit.disable()
    if verb == "is-enabled":
        sys.stdout.write("enabled\n" if unit.enabled else "disabled\n")
        return unit.enabled
    if verb == "mask":
        (PLACES[0] / f"{unit.name}.service").symlink_to("/dev/null")
        return True
    if verb == "unmask":
        (PLACES[0] / f"{unit.name}.service").unlink(missing_ok=True)
        return True
    if unit.file is None or not unit.one("ExecStart"):
        return by_script(unit.name, "status" if verb == "is-active" else verb.removeprefix("try-"))
    if verb == "cat":
        sys.stdout.write("\n".join(unit.texts()))
        return bool(unit.texts())
    if verb in {"is-active", "status"}:
        state = "active" if unit.main_pid() else "inactive"
        told = state if verb == "is-active" else f"{unit.name}.service: {state}"
        sys.stdout.write(f"{told}\n")
        return state == "active"
    if verb == "start":
        return unit.start()
    if verb == "stop":
        return unit.stop()
    if verb == "reload" or (verb == "reload-or-restart" and unit.settings.get("ExecReload")):
        return unit.reload()
    if verb in {"restart", "try-restart", "reload-or-restart"}:
        return unit.stop() and unit.start()
    return complain(f"the stand-in for systemctl does not know {verb}")


def boot(names: list[str]) -> int:
    """No command of systemd's: what a restart leaves of these units and of the kernel's rules.

    All that the stand-in started ends, every firewall rule is forgotten, and of the named units
    those that are enabled start, in the order of their names here.
    """
    for kept in sorted(STATE.iterdir()):
        Unit(kept.name).stop()
    if shutil.which(FORGET[0]):
        subprocess.run(FORGET, stdin=subprocess.DEVNULL, check=False)
    started = [obey("start", name) for name in names if Unit(name).enabled]
    return 0 if all(started) else 1


def main(given: list[str]) -> int:
    STATE.mkdir(exist_ok=True)
    if given[:1] == ["boot"]:
        return boot(given[1:])
    now = "--now" in given
    words = [word for word in given if not word.startswith("-")]
    if not words or words[0] in {"daemon-reload", "list-units"}:
        return 0
    verb, names = words[0], words[1:]
    fine = [obey(verb, name) for name in names]
    if now and verb in {"enable", "disable", "mask"}:
        fine += [obey("start" if verb == "enable" else "stop", name) for name in names]
    return 0 if all(fine) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
