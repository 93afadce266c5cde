/**
 * The types that several modules share. This module has no code.
 *
 * A song is known by its index on the map that is drawn; a new map gives songs other indices.
 *
 * @typedef {{x: number, y: number, scale: number}} Viewport The coordinates at the centre of the free area, in map
 *   units; and how many map units a pixel has.
 * @typedef {{left: number, right: number, top: number, bottom: number}} Area A part of the frame, in pixels.
 *
 * @typedef {object} Filter
 * @property {string[]} genres Empty allows every genre. Clusters and artists work in the same way.
 * @property {string[]} clusters
 * @property {string[]} artists
 * @property {number[]|null} years First and last; null allows every year.
 * @property {number[]|null} duration_s Shortest and longest; null allows every duration.
 * @property {string[]} hide The kinds of songs that are removed from the map: "duplicates", "missing".
 *
 * @typedef {object} View What the controls ask for.
 * @property {string} projection "tsne", "umap", "pca" or "original".
 * @property {string} colouring "cluster", "genre" or "artist", or a scale, such as "tempo", "key" or "year".
 * @property {number} clusters
 * @property {boolean} fade Whether points fade whose songs are misplaced.
 * @property {"dark"|"light"} theme
 * @property {number} revision Of the map.
 * @property {string} changes A token that changes when files go missing or come back.
 * @property {Filter} filter
 *
 * @typedef {object} Place Where a group's name is written: one dense area of the group.
 * @property {string} name @property {string} colour
 * @property {number} rank 0 for the group's most crowded area, then 1 and so on.
 * @property {number} x The area's middle, in map units.
 * @property {number} top @property {number} bottom The area's ends on the y axis.
 *
 * @typedef {object} Regions The cells of the original view.
 * @property {number[][][]} polygons The corners of each cell, in map units.
 * @property {number[][]} centres The places of the crosses.
 *
 * @typedef {object} ScaleMeta A value of songs that gives the points their colours.
 * @property {string} title Such as "Year". @property {string} field Of a `Song`. @property {"number"|"time"|"bpm"|"key"|"lufs"|"hz"|"share"} form
 *   How it is written: see map/scale_values.js.
 * @property {string} missing What songs without a value are called.
 * @property {string} sure_field Of a `Song`: whether the value is sure; empty if all values are.
 *
 * @typedef {object} MapMeta The server's description of a drawing.
 * @property {View} view What was drawn: the revision is that of the server's snapshot.
 * @property {string} projection @property {string} colouring @property {"dark"|"light"} theme @property {number} revision
 * @property {string} library A token of the library: the page keeps selections under this name.
 * @property {ScaleMeta|null} scale Null if groups give the points their colours.
 * @property {string} order A token that changes when songs get other indices.
 * @property {string} changes @property {string[]} hide
 * @property {number[]} bounds Left, right, bottom and top in map units.
 * @property {Place[]} names
 * @property {string[]} colours The groups' colours by colour number, as "#rrggbb"; the last one is that of small groups, and
 *   of songs without a value of the scale. In the original view, the cells' colours.
 * @property {Object<string, number>} slots The colour number of each group that has a colour of its own, by its name.
 * @property {{genres: string[], clusters: string[], artists: string[]}} unknown The names in the filter that the library does not have.
 * @property {Regions|null} regions Null unless the projection is "original". Its points are black.
 * @property {string} ground The background's colour, "#rrggbb". @property {string} filtered_out The colour of songs that do not match.
 * @property {number} songs @property {number} lit How many songs match the filter and are not hidden.
 * @property {number} away How many songs are hidden.
 * @property {boolean} is_filtered Whether any song does not match.
 * @property {Object<string, number>} hideable How many songs each kind can hide.
 * @property {string} counts The line that counts songs, clusters and genres.
 * @property {boolean} first_look @property {Object<string, number|null>} coarse_layouts
 *
 * @typedef {object} MapState The map that is drawn. Its arrays are never changed, but replaced.
 * @property {MapMeta} meta
 * @property {number} count How many songs it has.
 * @property {Float32Array} places x0, y0, x1, y1 and so on, in map units.
 * @property {Uint8Array} groups Each song's colour number.
 * @property {Uint8Array} flags Each song's flags: see map/flags.js.
 *
 * @typedef {object} Song As the server describes it.
 * @property {string} id @property {string} title @property {string} artist @property {string} album
 * @property {string[]} genres @property {number|null} year @property {number|null} duration_s
 * @property {number|null} preview_start_s @property {string} note
 * @property {string|null} gone_since When the file was first found missing. @property {"preview"|"copy"|null} fallback
 * @property {number} [index] Absent for a song that is not on the map, as are the following.
 * @property {number|null} [tempo_bpm] @property {boolean|null} [tempo_is_sure] @property {string|null} [key]
 * @property {string|null} [camelot] @property {boolean|null} [key_is_sure] @property {number|null} [energy] From 0 to 1.
 * @property {number|null} [loudness_lufs] @property {number|null} [brightness_hz]
 * @property {string} [cluster] @property {Object<string, number>} [near] @property {number} [neighbours]
 * @property {number} [same_sound_count] @property {OtherFile[]} [same_sound]
 * @property {number} [same_recording_count] @property {OtherFile[]} [same_recording]
 *
 * @typedef {{index: number, title: string, artist: string, path: string, format: string, gone: boolean}} OtherFile
 * @typedef {object} Neighbour
 * @property {number} index @property {number} similarity @property {string} title @property {string} artist
 * @property {string} album @property {boolean} gone @property {boolean} same_sound @property {boolean} same_recording
 *
 * @typedef {Neighbour & {start_s: number}} SimilarMoment The place in a song that sounds most like a moment of another one.
 * @typedef {object} Moment Some seconds of a song, and the songs that sound like them.
 * @property {number} number Each moment that the user asks for has another one; it stays when the list is loaded again.
 * @property {number} index The song. @property {number} atS The second that the user has chosen. @property {number} startS Where the seconds begin.
 * @property {number} seconds How many they are.
 * @property {string} title @property {string} artist Of the song.
 * @property {SimilarMoment[]} moments The best place of each of the most similar songs, the most similar one first.
 * @property {Map<number, number>} lit The similarity of each song that is lit on the map, by its index.
 *
 * @typedef {object} UploadedSong A song of the user's that the server has placed on the map.
 * @property {string} token @property {string} title @property {string} artist @property {string} album
 * @property {string[]} genres @property {number|null} year @property {number|null} duration_s
 * @property {Object<string, number[]>} places By projection. @property {Neighbour[]} neighbours
 *
 * @typedef {object} SelectionNews What has happened to the selections: panel/selection_text.js makes a sentence of it.
 * @property {string} kind See `newsText` there. @property {number} [index] The song that was added, removed or moved.
 * @property {number} [count] How many songs. @property {number} [before] How many songs the selection had.
 * @property {string} [name] Of a selection. @property {number} [position] To which a song was moved.
 * @property {boolean} [canUndo] Whether it is a change that the user can undo.
 *
 * @typedef {object} Notice
 * @property {number} number Each notice has another one.
 * @property {string} text One sentence.
 * @property {"info"|"good"|"error"|"wait"} kind An error stays until it is closed, or until it is true no longer. "wait" tells what the
 *   page waits for: it stays until the page removes it. The others leave by themselves.
 * @property {{label: string, run: () => void}} [action] A button, such as "Undo".
 * @property {string} [key] A notice replaces an earlier one with the same key.
 * @property {boolean} [stays] Whether it stays until the user closes it or presses its button.
 *
 * @typedef {object} State
 * @property {View|null} view What the controls ask for; null before the controls are read.
 * @property {{projection: string, clusters: number, mostClusters: number, colourings: string[]}} defaults The values that the server has put into the
 *   controls; and what can colour the map.
 * @property {MapState|null} map The map that is drawn; null before the first one.
 * @property {Int32Array|null} moved Changes together with a map of another revision: the new index of each song of the map
 *   before, -1 if it has none; null if nobody knows. The indices in the state are the new ones already.
 * @property {Viewport|null} viewport
 * @property {boolean} isUserPositioned Whether the viewport was chosen by the user or the address. Otherwise it shows all songs.
 * @property {boolean} isGliding Whether the points are moving from their old to their new places.
 * @property {boolean} isDragging Whether the user holds the map, or draws a lasso or box.
 * @property {boolean} hasWebgl Whether points are drawn with WebGL2; else a 2-D canvas stands in.
 * @property {number|null} hovered The song under the pointer.
 * @property {number|null} pointed The song of the row of a list that has the pointer or the keyboard's focus; it has a mark on the map.
 * @property {number|null} previewed The song whose preview plays.
 * @property {number|null} playing The song that has the pulsing mark: the one in the player.
 * @property {number|null} requested The song that was requested last, even if it could not be played.
 * @property {Song|UploadedSong|null} song The details of the song in the player.
 * @property {"paused"|"loading"|"playing"|"error"} sound
 * @property {number} volume What the user has set, from 0 to 1. @property {boolean} isMuted
 * @property {"on"|"all"|"one"|"stop"} repeat What plays after a song: see sound/queue_rules.js.
 * @property {boolean} isHearing Whether hover to hear is on.
 * @property {boolean} awaitsGesture Whether it is on, but silent: the browser allows sound only after a click or a key press.
 * @property {string} message What the player says went wrong; empty if nothing did. A notice shows it.
 * @property {Notice[]} notices The notices that are shown, the oldest first.
 * @property {string} mapProblem Why the map that the controls ask for could not be drawn; empty if it could.
 * @property {number|null} selected The song in the panel.
 * @property {number} selections How often a song was selected, also the same one again. @property {string|null} selectedId Its id, once it is loaded.
 * @property {Neighbour[]} neighbours Of the selected or uploaded song, once they are loaded.
 * @property {UploadedSong|null} upload The uploaded song that is shown.
 * @property {boolean} isUploading Whether a file is being sent or analysed. Whoever sets it to false cancels that.
 * @property {boolean} isUploadAside Whether the user has selected a song while the file is analysed: the panel shows that song.
 * @property {number|null} linesFrom The song from which lines are drawn; null for none, or for the uploaded song's.
 * @property {{index: number}[]} lineEnds The songs to which lines are drawn.
 * @property {(number|null)[]} walk The selected song and its neighbours; null is the uploaded song.
 * @property {number} walkPosition The position in it of the song that plays.
 * @property {import("../panel/kept_selections.js").Desk|null} desk All selections of the library; null before the first map.
 * @property {boolean} selectionUndo Whether a change of the selections can be undone. @property {boolean} selectionRedo
 * @property {SelectionNews|null} selectionNews What has happened to the selections last.
 * @property {number[]} chosen The songs of the open selection that are shown on the map, in their order.
 * @property {number|null} chosenPosition The position in it of the song that plays; null if the selection does not play.
 * @property {number} choices How often songs were chosen together, with a lasso or box.
 * @property {Moment|null} moment The moment whose similar songs are lit and listed; null if there is none.
 * @property {number} momentPosition The position in its list of the moment that was played last; -1 is the moment itself.
 * @property {boolean} isCometOn Whether a light shows where each second of the song that plays would lie.
 * @property {"lasso"|"box"|null} tool
 * @property {{kind: "lasso"|"box", adds: boolean, points: number[][]}|null} shape What is being drawn, in pixels.
 * @property {boolean} isPanelOpen @property {"song"|"inside"|"choice"|"moment"} panelTab @property {boolean} isSpectrogramOpen
 * @property {boolean} isInsideOpen Whether the wide card with the inside of the selected song is open.
 * @property {boolean} isIndexing Whether an index run is in progress, as the server has told last.
 * @property {boolean} serverAnswers False while the server does not answer.
 * @property {string} refusal Why the server takes no changes; empty if it does.
 */

export {};
