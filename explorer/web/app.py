"""Creates the web app: a Dash app whose `server` is a plain WSGI app."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import quote

from dash import Dash

from explorer.config import Settings
from explorer.errors import LibraryBusyError, LibraryError, NoLibraryError
from explorer.util.cache import Cache
from explorer.util.commands import command_line
from explorer.web.callback_requests import check_callback_requests
from explorer.web.data.index_state import IndexState
from explorer.web.data.reader import close_after_requests
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.error_answers import answer_errors
from explorer.web.index_job import TRY_AGAIN, IndexJob
from explorer.web.map.redraw_job import MapJob
from explorer.web.open_pages import OpenPages, count_pages
from explorer.web.page.callbacks import register_callbacks
from explorer.web.page.layout import Notice, page
from explorer.web.permissions import NO_RESTRICTIONS, find_restrictions, require_changes
from explorer.web.routes.bulk_ids import make_bulk_ids_blueprint
from explorer.web.routes.map_arrays import make_map_blueprint
from explorer.web.routes.media import make_media_blueprint
from explorer.web.routes.playlist import make_playlist_blueprint
from explorer.web.routes.song_inside import make_inside_blueprint
from explorer.web.routes.song_moments import make_moments_blueprint
from explorer.web.routes.sound import make_sound_blueprint
from explorer.web.routes.uploads import make_uploads_blueprint
from explorer.web.security import protect
from explorer.web.sound_jobs import SoundJobs
from explorer.web.uploads.queue import UploadQueue

TITLE = "Music Explorer"
INDEX = """<!DOCTYPE html>
<html lang="en">
  <head>
    {%metas%}
    <title>{%title%}</title>
    <link rel="icon" type="image/svg+xml" href="assets/icon.svg">
    {preloads}
    {%css%}
  </head>
  <body>
    {%app_entry%}
    <div>{%config%}{%scripts%}{%renderer%}</div>
  </body>
</html>
"""
# Runs the module that starts the page; `{start_dash}` is the script by which Dash starts itself. If a script
# does not arrive, or the browser cannot read it, the page says so.
START = """import("./assets/core/main.js").then(({ start }) => {
  start(() => { {start_dash} });
}).catch((error) => {
  const text = document.createElement("p");
  text.className = "load-failed";
  text.setAttribute("role", "alert");
  text.textContent = "This page could not load all of its scripts: check that the server runs and that the "
    + "browser is up to date, then reload the page.";
  document.getElementById("react-entry-point").replaceChildren(text);
  throw error;
});"""


def create_app(
    settings: Settings,
    *,
    jobs: SoundJobs | None = None,
    index_job: IndexJob | None = None,
    pages: OpenPages | None = None,
) -> Dash:
    """Return the app for one library.

    Each load of the page shows the current state of the library. `create_app(settings).server` is a plain
    WSGI app.

    Parameters
    ----------
    jobs : SoundJobs, optional
        Decodes sound for the page; by default it is new, and ends with the app.
    index_job : IndexJob, optional
        The index run that belongs to the page.
    pages : OpenPages, optional
        Counts the open pages.
    """
    holder, index_state = CatalogueHolder(settings.database), IndexState(settings.database, index_job)
    app = Dash(
        "explorer",
        title=TITLE,
        update_title=None,
        compress=True,
        # Dash's own handler writes to standard output, and would repeat what the server's log says.
        add_log_handler=False,
        index_string=INDEX.replace("{preloads}", module_preloads(settings.assets)),
        assets_folder=str(settings.assets.absolute()),
        # START loads the modules. Dash would load each of them as a plain script.
        assets_ignore=r"\.js$",
        meta_tags=[
            {"name": "viewport", "content": "width=device-width, initial-scale=1, viewport-fit=cover"},
            {"name": "color-scheme", "content": "dark light"},
        ],
    )
    app.renderer = START.replace("{start_dash}", app.renderer)
    # A song id in a URL may contain several slashes in a row.
    app.server.url_map.merge_slashes = False
    app.layout = lambda: _current_page(holder, settings, index_state)
    require = partial(require_changes, settings)
    job, jobs = MapJob(settings.database, require=require), jobs or SoundJobs()
    for cache in settings.caches:
        # Servers and index runs that were killed leave temporary files.
        Cache(cache).remove_old_parts()
    register_callbacks(app, holder, job)
    for blueprint in (
        make_media_blueprint(settings, holder, jobs, index_state=index_state, counts_pages=pages is not None),
        make_bulk_ids_blueprint(holder),
        make_map_blueprint(holder),
        make_inside_blueprint(settings, holder),
        make_sound_blueprint(settings, jobs),
        make_moments_blueprint(settings, holder),
        make_playlist_blueprint(holder, settings),
        make_uploads_blueprint(UploadQueue(settings, holder, jobs), jobs, require=require, on_keep=job.start),
    ):
        app.server.register_blueprint(blueprint)
    if pages is not None:
        count_pages(app.server, pages)
    close_after_requests(app.server)
    check_callback_requests(app)
    answer_errors(app.server)
    protect(app, settings)
    return app


def module_preloads(assets: Path) -> str:
    """Return the elements that make a browser load all modules at once.

    Without them, it would load a module only after it has read one that imports it.
    """
    names = sorted(file.relative_to(assets).as_posix() for file in assets.rglob("*.js"))
    return "\n    ".join(f'<link rel="modulepreload" href="assets/{quote(name)}">' for name in names)


def _current_page(holder: CatalogueHolder, settings: Settings, index_state: IndexState):
    catalogue, notice, restrictions = None, None, NO_RESTRICTIONS
    given = settings.database_as_given or settings.database
    try:
        restrictions = find_restrictions(settings)
        catalogue = holder.latest()
        if not len(catalogue):
            notice = _notice_without_map(index_state, given, has_songs=catalogue.unmapped > 0)
    except LibraryBusyError:
        notice = BUSY
    except NoLibraryError:
        notice = _notice_without_map(index_state, given, has_songs=False)
    except LibraryError as error:
        # The page's own index run may be creating the library right now.
        notice = (
            LISTENING
            if index_state.is_starting
            else Notice("broken", "This library cannot be opened", str(error))
        )
    return page(catalogue, notice, restrictions=restrictions)


def _notice_without_map(index_state: IndexState, database: Path, *, has_songs: bool) -> Notice:
    """Return what the page shows while there is no map."""
    if index_state.running():
        return LISTENING
    if index_state.problem:
        return Notice("broken", "Your music could not be indexed", f"{index_state.problem} {TRY_AGAIN}")
    if has_songs:
        return replace(NO_MAP, command=command_line("map", database=database))
    if index_state.folder:
        return replace(NO_SONGS, text=NO_SONGS.text.format(folder=index_state.folder))
    # The demo has a library of its own.
    command = f"{command_line('open FOLDER', database=database)}\n{command_line('demo')}"
    return replace(NO_LIBRARY, command=command)


LISTENING = Notice(
    "listening",
    "Listening to your music",
    "The map appears as soon as the first songs have been heard, and grows while you listen.",
)
NO_SONGS = Notice(
    "empty",
    "No music here yet",
    "There are no songs in {folder}. Copy music into it: the map appears here by itself.",
)
NO_LIBRARY = Notice(
    "empty",
    "No music here yet",
    "Open a folder of songs: each song becomes a point that you can play. To see an example first, run the "
    "demo.",
)
NO_MAP = Notice(
    "empty",
    "The songs have no map yet",
    "The songs are indexed. Run this command to make their map.",
)
BUSY = Notice(
    "busy",
    "The library is busy",
    "Another program is writing to it. This page tries again every few seconds.",
)
