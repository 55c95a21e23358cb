"""Trading limits: what is proposed, who approved it, and what platforms are given.

rules      what is proposed from the facts, and what nobody may set (pure)
facts      what the published copy and the desk's files say
proposal   `make limits`; people: approve, reject, amend, extend, revert
ledger     every entry with the hash of the one before; state: what the entries come to
platforms  a module for each format; export: whole files, or none

`runtime.limits` is another matter: what a process may use of the machine.
"""
