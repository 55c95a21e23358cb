"""Trading limits: what is proposed, who approved it, what platforms are given and have.

rules      what is proposed from the facts, and what nobody may set (pure)
facts      what the published copy and the desk's files say
proposal   `make limits`; people: approve, reject, amend, extend, revert
ledger     every entry with the hash of the one before; state: what the entries come to
platforms  a module for each format; export: whole files, or none
checks     what platforms have against what is approved; confirm: read back, by eye
trial      proposals withheld from half of the traders, compared at one look
warehouse  copies for the marts; sample_desk: `make limits-demo`

`runtime.limits` is another matter: what a process may use of the machine.
"""
