"""What a run found, told in many forms: a terminal, JSON, JUnit, a page, badges.

Every form is made from a `Judgement` (`expected.py`) and nothing else. What a peer said is hostile
text: it passes through `plain.visible` before anybody sees it.
"""
