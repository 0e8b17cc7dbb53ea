"""What keeps two similar questions apart, and what does not."""

import pytest

from caching.guards import GUARDS, align, find_veto, read

APART = [
    ("identifier", "Show the details of case #D-7781.", "Show the details of case #D-7718."),
    ("identifier", "What changed in v2.10.0?", "What changed in v2.11.0?"),
    ("number", "Which laptop is best under 60000?", "Which laptop is best under 71000?"),
    ("number", "Can I return it after 30 days?", "Can I return it after 45 days?"),
    ("unit", "Is it safe to run at 2 am?", "Is it safe to run at 2 pm?"),
    ("unit", "How do I convert $20?", "How do I convert €20?"),
    ("code", "What does parse_date do?", "What does parse_time do?"),
    ("address", "What is at https://example.test/a?", "What is at https://example.test/b?"),
    ("address", "What does /etc/ssh/config say?", "What does the configuration say?"),
    ("quotation", 'What does "carpe diem" mean?', 'What does "memento mori" mean?'),
    ("polarity", "Should I buy Tesla stock?", "Should I sell Tesla stock?"),
    ("polarity", "Is mobile deposit available?", "Is mobile deposit unavailable?"),
    ("polarity", "Does my card waive foreign fees?", "Does my card NOT waive foreign fees?"),
    ("polarity", "What was her life before becoming an actor?", "What was her life after becoming an actor?"),
    ("polarity", "How can I become more active?", "How can I become less active?"),
    ("alternative", "What is the limit on a savings account?", "What is the limit on a checking account?"),
    ("alternative", "How do I sort a list in Python?", "How do I sort a list in Java?"),
    ("name", "Is Austin Price a dentist?", "Is Austin Lewis a dentist?"),
    ("replaced name", "What are the risks of investing in ETFs?", "What are the risks of investing in land?"),
    ("order", "How do I roll over my 401(k) to an IRA?", "How do I roll over my IRA to a 401(k)?"),
    ("order", "Convert miles from London to Paris", "Convert miles from Paris to London"),
    ("role", "Does Charles remember Angela?", "Is Charles remembered by Angela?"),
    ("role", "Do you think he would reject her?", "Do you think she would reject him?"),
    ("connective", "Is Ann an author or a doctor?", "Is Ann simultaneously an author and a doctor?"),
    ("question type", "When was the telephone invented?", "Who invented the telephone?"),
    ("question type", "Why do cats purr?", "How do cats purr?"),
    ("tense", "Is Emily a teacher?", "Did Emily use to be a teacher?"),
    ("modality", "Can I file taxes online?", "Should I file taxes online?"),
    ("inserted word", "Is Ashley an editor?", "Is Ashley an English editor?"),
    ("replaced word", "How do I place a sealed bid?", "How do I place a proxy bid?"),
    ("language", "How do I open the account for my son?", "¿Cómo puedo abrir una cuenta para mi hijo?"),
]

TOGETHER = [
    ("How can I become a patient person?", "How can I become a person who is not impatient?"),
    ("How can I become less visible?", "How can I become more invisible?"),
    ("Is Sophia an agent or an escort?", "Is Sophia an escort or an agent?"),
    ("Is Sara a Japanese author?", "Is Sara an author and Japanese?"),
    ("Is Amy linked to Andrea?", "Is Amy in fact linked to Andrea?"),
    ("Do I have to shave?", "Do you think I have to shave?"),
    ("Who do voters think is the worst mayor?", "Who is the worst mayor according to voters?"),
    ("How do I reset my iphone?", "How do I reset my iPhone?"),
    ("Who is the president of the United States?", "who is the US president"),
    ("Does my card waive foreign fees?", "Are foreign fees waived on my card?"),
    ("What's the routing number for branch #0471?", "Which routing number belongs to branch 0471?"),
    ("How many business days does a transfer take?", "How long does a transfer take?"),
    ("What is 5,000 in words?", "What is 5000 in words?"),
    ("How do I set up my web site?", "How do I set up my website?"),
]


@pytest.mark.parametrize(("guard", "cached", "asked"), APART)
def test_a_difference_in_meaning_is_seen_by_its_guard_whichever_was_first(guard, cached, asked):
    for one, other in ((cached, asked), (asked, cached)):
        assert GUARDS[guard](align(read(one), read(other))) is not None
        assert find_veto(align(read(one), read(other))) is not None


@pytest.mark.parametrize(("cached", "asked"), TOGETHER)
def test_a_rewording_is_not_vetoed(cached, asked):
    assert find_veto(align(read(cached), read(asked))) is None
    assert find_veto(align(read(asked), read(cached))) is None


@pytest.mark.parametrize("question", [question for pair in TOGETHER for question in pair])
def test_no_guard_objects_to_the_question_itself(question):
    assert find_veto(align(read(question), read(question))) is None


def test_every_guard_is_shown_to_fire():
    assert {guard for guard, _, _ in APART} == set(GUARDS)


@pytest.mark.parametrize("text", ["", "?", "   ", "'", '"', "😀", "\x00", "a" * 10_000, "((((", "1,2,3", "`x"])
def test_odd_texts_are_compared_without_an_error(text):
    assert find_veto(align(read(text), read(text))) is None
    find_veto(align(read(text), read("How do I open an account?")))
