/** What `sallyport edge help` prints. */
export const HELP = `Usage:

  sallyport edge serve     run the edge on this machine, for cores and clients elsewhere
      --port N             port, 0 means any free one (8787)
      --host H             address to listen on (127.0.0.1; with a certificate: all)
      --storage DIR        where webhooks and keys are kept (<state dir>/edge-server)
      --tls-cert FILE      certificate with its chain, and …
      --tls-key FILE       … its key, PEM; read anew when they change, and on SIGHUP
      --trust-proxy LIST   addresses or networks (or "loopback") of proxies in front whose
                           X-Forwarded-For and X-Forwarded-Proto are believed
      --url URL            the address people use, for what is printed
      --name NAME          name of the edge in its storage (sallyport)
      --relays LIST        relays, primary first: weur:1,enam:1
      --print-unit         print a systemd unit with these settings instead

  sallyport edge dev       the same in a local Workers runtime, on this machine alone
      --port N             (8787, or SALLYPORT_EDGE_PORT)

  sallyport edge deploy    deploy it to Cloudflare, with its secrets, in one version
      --dry-run            build and check only; nothing is sent
      --name NAME          name of the Worker (sallyport)
      --domain HOST        custom domain, in a zone of the account (kept from then on)
      --relays LIST        relays, primary first: weur:1,enam:1 (kept from then on)
      --message TEXT       said with the version
      --check-url URL      where to ask whether it is up, when not at its own address
      --check-seconds N    how long to wait for that (120)

  sallyport edge status    what is deployed, and whether it answers
      --name, --check-url as above

  sallyport edge rollback [VERSION]   back to the version before, or to the one named
      --name, --message, --check-url, --check-seconds as above

  sallyport edge keys      the keys of the cores that may connect

  --json                   one line of JSON on stdout; everything else goes to stderr. What fails
                           is told on both, on stdout as {"ok":false,"error":{"type","message"}}

Exit codes: 0 done; 1 it did not work, or the command line is not understood; 78 a flag or a
variable of serve or dev has to be mended first, which no service manager can.

deploy, status and rollback need CLOUDFLARE_API_TOKEN (a token made from the template "Edit
Cloudflare Workers"), and CLOUDFLARE_ACCOUNT_ID when the token sees several accounts.
`;
