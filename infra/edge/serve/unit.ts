import { EXIT_CONFIG } from "../../process/exit-codes.ts";
import type { ServeOptions } from "../options.ts";

/** A service as systemd runs it. Pure. */

export interface UnitPlace {
  /** Absolute paths of the Node that runs us and of `core/sallyport.mjs`. */
  readonly node: string;
  readonly entry: string;
  /** The command line after `sallyport edge serve`, without `--print-unit`. */
  readonly args: readonly string[];
}

/** Below it only root, or who has the capability, may listen. */
const FIRST_FREE_PORT = 1024;

/** Longer than the edge allows itself for finishing what is under way. */
const STOP_SEC = 30;

/**
 * The text of a system unit. Storage is the service's own folder unless the command line names
 * another; nothing secret is in it.
 *
 * Source: https://www.freedesktop.org/software/systemd/man/systemd.exec.html
 */
export function unitText({ port, tls }: ServeOptions, { node, entry, args }: UnitPlace): string {
  const named = args.some((arg) => arg === "--storage" || arg.startsWith("--storage="));
  const storage = named ? [] : ["--storage", "/var/lib/sallyport-edge"];
  const command = [node, entry, "edge", "serve", ...args, ...storage].map(word).join(" ");
  const low = port > 0 && port < FIRST_FREE_PORT;
  const capability = low ? "CAP_NET_BIND_SERVICE" : "";
  return `# Save as /etc/systemd/system/sallyport-edge.service, then:
#   useradd --system --home-dir /var/lib/sallyport-edge --shell /usr/sbin/nologin sallyport
#   systemctl daemon-reload && systemctl enable --now sallyport-edge
${tls === undefined ? "" : "# The user sallyport must be able to read the certificate and its key.\n"}[Unit]
Description=Sallyport edge
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=all
ExecStart=${command}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=2
RestartPreventExitStatus=${EXIT_CONFIG}
TimeoutStopSec=${STOP_SEC}
KillMode=mixed
OOMPolicy=stop

User=sallyport
StateDirectory=sallyport-edge
StateDirectoryMode=0700
UMask=0077
LimitNOFILE=65536
TasksMax=256

AmbientCapabilities=${capability}
CapabilityBoundingSet=${capability}
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateIPC=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
# No MemoryDenyWriteExecute: both runtimes compile while they run.

[Install]
WantedBy=multi-user.target
`;
}

/** One word of ExecStart, where `%`, `$`, quotes and blanks mean something. */
function word(text: string): string {
  const plain = text.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w@%+=:,./$-]+$/.test(plain) ? plain : `"${plain.replaceAll(/["\\]/g, "\\$&")}"`;
}
