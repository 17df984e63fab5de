enum SiteStyle {
    static let css = """
        :root { color-scheme: light dark; --text: #1c2127; --soft: #5d6875; --line: #dfe4ea; --back: #ffffff; --panel: #f6f8fa;
          --accent: #0b62c4; }
        @media (prefers-color-scheme: dark) { :root { --text: #e4e8ee; --soft: #9aa5b3; --line: #303843; --back: #14181d;
          --panel: #1b2129; --accent: #75b3ff; } }
        * { box-sizing: border-box; }
        body { margin: 0; display: flex; min-height: 100vh; background: var(--back); color: var(--text);
          font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
        nav { flex: 0 0 15rem; padding: 1.5rem 1rem; background: var(--panel); border-right: 1px solid var(--line);
          position: sticky; top: 0; height: 100vh; overflow-y: auto; }
        nav a { display: block; padding: .2rem .6rem; border-radius: .35rem; color: inherit; text-decoration: none; }
        nav a:hover, nav a[aria-current] { background: var(--line); }
        nav h2 { margin: 1.2rem .6rem .3rem; font-size: .75rem; letter-spacing: .06em; text-transform: uppercase; color: var(--soft);
          border: 0; padding: 0; }
        main { flex: 1; min-width: 0; max-width: 56rem; padding: 2rem 2.5rem 5rem; }
        h1 { margin: 0 0 .6rem; font-size: 2rem; line-height: 1.2; }
        h1 small { font-size: 1rem; font-weight: 400; color: var(--soft); }
        h2 { margin: 2.4rem 0 .8rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); font-size: 1.3rem; }
        h3 { margin: 1.8rem 0 .3rem; font-size: 1.02rem; }
        a { color: var(--accent); }
        p { margin: .4rem 0 .8rem; }
        .kind { margin: 0; color: var(--soft); text-transform: uppercase; letter-spacing: .06em; font-size: .8rem; }
        .lead { font-size: 1.08rem; color: var(--soft); }
        .needs { font-size: .88rem; color: var(--soft); }
        .hash { margin-top: 3rem; font: .75rem/1.4 ui-monospace, "DejaVu Sans Mono", monospace; color: var(--soft); word-break: break-all; }
        .contents a { margin-right: .8rem; white-space: nowrap; }
        code, pre { font-family: ui-monospace, "SF Mono", "DejaVu Sans Mono", Menlo, monospace; font-size: .88em; }
        code { background: var(--panel); border-radius: .25rem; padding: .1em .3em; }
        h3 code { background: none; padding: 0; font-size: 1em; }
        pre { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .9rem 1rem; overflow-x: auto; }
        table { width: 100%; border-collapse: collapse; font-size: .92rem; }
        th { text-align: left; font-weight: 600; color: var(--soft); }
        th, td { padding: .45rem .6rem .45rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
        td:first-child { white-space: nowrap; }
        td span { color: var(--soft); }
        .errors { margin: .6rem 0; padding-left: 1.1rem; font-size: .92rem; color: var(--soft); }
        .cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: .8rem; }
        .card { display: block; padding: .8rem 1rem; border: 1px solid var(--line); border-radius: .6rem; color: inherit;
          text-decoration: none; }
        .card:hover { border-color: var(--accent); }
        .card small { color: var(--soft); }
        .card p { margin: .3rem 0 0; font-size: .9rem; color: var(--soft); }
        @media (max-width: 46rem) { body { flex-direction: column-reverse; justify-content: flex-end; } nav { position: static; height: auto; border-right: 0; }
          main { padding: 1.2rem; } td:first-child { white-space: normal; } }

        """
}
