"""Watching the files of lists: what a save has brought, once it is whole.

notice: one thread for all lists, wakes readers when something happens in their folders    (a hint, never needed)
reader: one thread a list, until stopped
    wait to be woken, a second at most          -- so that a file system without notices is followed too
    another stamp than the last time?           (stamp)
    wait until it stands still                  (stillness)
    read, compare with what the queue agrees with, parse, post
"""
