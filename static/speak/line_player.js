// One line at a time from the connection to the loudspeaker; whoever begins another one stops it.
// It draws nothing: `on` hears of the line what happens to it.

export class Performer extends EventTarget {
  #connection;
  #player;
  #current = null;

  // Events: `state`, with `state` one of idle, waiting, speaking.
  constructor(connection, player) {
    super();
    this.#connection = connection;
    this.#player = player;
    this.state = "idle";
    connection.addEventListener("audio", ({ detail }) => {
      if (detail.stream === this.#current?.stream) this.#current.on.samples?.(detail.samples);
    });
    player.addEventListener("heard", ({ detail }) => {
      if (detail.stream === this.#current?.stream) this.#sounds();
    });
    player.addEventListener("ended", ({ detail }) => {
      if (detail.stream === this.#current?.stream) this.#leave("ended");
    });
  }

  // Called from a click or a key: a page may only sound then.
  say(line, on = {}) {
    this.stop();
    const current = { on, stream: null, id: null, line };
    this.#current = current;
    this.#become("waiting");
    this.#player.start().catch((error) => this.#fail(current, { code: "no_sound", message: error.message }));
    current.id = this.#connection.say(
      { ...line, timestamps: true, sample_rate: this.#player.rate },
      {
        onStarted: (message) => {
          current.stream = message.stream;
          if (current === this.#current) on.started?.(message);
        },
        onWords: (words) => current === this.#current && on.words?.(words),
        onDone: (message) => current === this.#current && on.done?.(message),
        onCancelled: () => this.#fail(current, { code: "cut" }), // not by us: then it is not the current one
        onError: (message) => this.#fail(current, message),
      },
    );
  }

  stop() {
    if (!this.#current) return;
    const { id } = this.#current;
    this.#leave("stopped");
    this.#connection.cancel(id);
  }

  // Seconds of the current line that were heard.
  get position() {
    const stream = this.#current?.stream;
    return stream === null || stream === undefined ? 0 : this.#player.position(stream);
  }

  #sounds() {
    this.#become("speaking");
    this.#current.on.heard?.(this.#player.stats.firstAudioMs);
  }

  #fail(current, message) {
    if (current !== this.#current) return;
    this.#leave("stopped");
    current.on.failed?.(message);
  }

  #leave(how) {
    const { on } = this.#current;
    const position = this.position;
    this.#current = null;
    this.#become("idle");
    on[how]?.(position);
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
