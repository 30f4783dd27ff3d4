/** How a channel is doing. Moments are Unix ms; undefined: not since we started. */
export interface ChannelState {
  /** True while it receives, or waits for its next try. */
  readonly running: boolean;
  readonly startedAt: number | undefined;
  readonly stoppedAt: number | undefined;
  /** When something came in. */
  readonly receivedAt: number | undefined;
  /** Of the newest fall since it was started, fit for people. */
  readonly error: string | undefined;
  /** How often it fell since we started. */
  readonly falls: number;
}

/** Channels, as those see them who start and stop them. */
export interface ChannelControl {
  stateOf(id: string): ChannelState;
  /** @throws GatewayError `not_found` when no such channel is configured. */
  start(id: string): Promise<void>;
  /** Settles when it has handed over what it had received. @throws GatewayError `not_found` */
  stop(id: string): Promise<void>;
  /** @throws GatewayError `not_found` */
  restart(id: string): Promise<void>;
}
