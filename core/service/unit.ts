/** The gateway as a unit of systemd. Pure. */
import { checkLine, type Definition, searchPath, unfit } from "./definition.ts";
import { originLine, sealed } from "./seal.ts";

/** `EX_CONFIG`: a config that is wrong stays wrong, however often it is tried. */
const NEVER_AGAIN = 78;

const comment = (text: string): string => `# ${text}`;

/**
 * A unit of the user's own manager, or with `user` a system unit with every wall there is. Nothing
 * secret is in it.
 *
 * Source: systemd.service(5), systemd.exec(5), systemd.resource-control(5).
 *
 * @throws GatewayError invalid_request for a path that no unit can hold.
 */
export function unitText(definition: Definition): string {
  const { user } = definition;
  const scope = user === null ? "--user " : "";
  const lines = [
    comment(`Changes belong into a drop-in: systemctl ${scope}edit sallyport-gateway`),
    originLine(definition, comment),
    "[Unit]",
    "Description=Sallyport gateway",
    // The manager of a user has no such target.
    ...(user === null ? [] : ["Wants=network-online.target", "After=network-online.target"]),
    "StartLimitIntervalSec=300",
    "StartLimitBurst=5",
    "",
    "[Service]",
    ...service(definition),
    "",
    ...(user === null ? USER_WALLS : systemWalls(definition, user)),
    "# No MemoryDenyWriteExecute: V8 compiles while it runs.",
    "",
    "[Install]",
    `WantedBy=${user === null ? "default" : "multi-user"}.target`,
    "",
  ];
  return sealed(lines.join("\n"), comment);
}

function service({ node, entry, args, variables, envFile, stopSec, notify }: Definition): string[] {
  const environment = { PATH: searchPath(node), ...variables };
  return [
    ...(notify ? ["Type=notify", "NotifyAccess=all"] : ["Type=exec"]),
    `ExecStart=${[program(node), ...[entry, ...args].map(word)].join(" ")}`,
    // Not a folder of somebody's: a .env that lies there would be read.
    "WorkingDirectory=/",
    ...Object.entries(environment).map(([name, value]) => `Environment=${assignment(name, value)}`),
    `EnvironmentFile=-${plainPath(envFile)}`,
    "Restart=on-failure",
    "RestartSec=2",
    `RestartPreventExitStatus=${NEVER_AGAIN}`,
    "# Told twice, it ends at once.",
    "SuccessExitStatus=143",
    "KillSignal=SIGTERM",
    "KillMode=mixed",
    "TimeoutStartSec=90",
    "# What is under way may end first: sallyport.limits.drainTimeoutMs, and some more.",
    `TimeoutStopSec=${stopSec}`,
    "MemoryHigh=70%",
    "MemoryMax=85%",
    "TasksMax=512",
    "OOMPolicy=stop",
    "LimitNOFILE=65536",
  ];
}

/** What the manager of a user may forbid without being root. */
const USER_WALLS = [
  "UMask=0077",
  "NoNewPrivileges=yes",
  "LockPersonality=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
  "SystemCallArchitectures=native",
  "SystemCallFilter=@system-service",
  "SystemCallErrorNumber=EPERM",
];

function systemWalls({ stateDir }: Definition, user: string): string[] {
  const folder = stateFolder(stateDir);
  return [
    `User=${checkLine(user)}`,
    ...(folder === undefined
      ? [`ReadWritePaths=${word(stateDir)}`]
      : [`StateDirectory=${folder}`, "StateDirectoryMode=0700"]),
    "CacheDirectory=sallyport",
    "CacheDirectoryMode=0700",
    "Environment=XDG_CACHE_HOME=/var/cache",
    "UMask=0077",
    "AmbientCapabilities=",
    "CapabilityBoundingSet=",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "DevicePolicy=closed",
    "PrivateMounts=yes",
    "PrivateIPC=yes",
    "PrivateUsers=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "ProcSubset=pid",
    "RemoveIPC=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "SystemCallErrorNumber=EPERM",
  ];
}

/** A folder below /var/lib belongs to the service: systemd makes it. */
function stateFolder(stateDir: string): string | undefined {
  return /^\/var\/lib\/(?<name>[A-Za-z0-9][\w.-]*)$/.exec(stateDir)?.groups?.["name"];
}

/** A word of a command line, where `%`, `$`, quotes and blanks mean something. */
function word(text: string): string {
  return quoted(checkLine(text).replaceAll("%", "%%").replaceAll("$", "$$$$"));
}

/** The first word: systemd fills in no variables there, so that a `$` is one, and takes no quotes. */
function program(path: string): string {
  if (/["'\\]/.test(path)) throw unfit(path);
  return quoted(checkLine(path).replaceAll("%", "%%"));
}

/** Here a `$` means nothing. */
function assignment(name: string, value: string): string {
  return quoted(`${name}=${checkLine(value).replaceAll("%", "%%")}`);
}

/** A path that goes on to the end of its line, as it is: blanks and a backslash would be lost there. */
function plainPath(path: string): string {
  if (/[\s\\]$/.test(path)) throw unfit(path);
  return checkLine(path).replaceAll("%", "%%");
}

function quoted(text: string): string {
  return /^[\w@%+=:,./$-]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}
