/** What a platform says of an account. */
export type ChannelProbe =
  | {
      readonly ok: true;
      readonly elapsedMs: number;
      /** Who we are there. */
      readonly account: { readonly id: string; readonly name: string };
    }
  | {
      readonly ok: false;
      readonly elapsedMs: number;
      /** Fit for people; no credential is in it. */
      readonly error: string;
      /** True: another credential is needed. */
      readonly refused: boolean;
    };
