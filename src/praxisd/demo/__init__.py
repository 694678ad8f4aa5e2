"""The sample practice of `praxisd demo`: invented people, the same every time for the same day (SPEC 14.2).

`people` and `practice` say who and what, `timetable` when, `filling` writes it, `running` serves it.
"""
