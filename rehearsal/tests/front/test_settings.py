# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How ``key=value`` arguments are read, and that no message repeats a value."""

import base64
import pathlib

import pytest

from rehearsal import errors, settings

HERE = pathlib.Path()


def test_pairs_are_split_at_the_first_equals_sign():
    assert settings.pairs(['a=1', 'b=c=d', 'e=']) == {'a': '1', 'b': 'c=d', 'e': ''}


def test_an_argument_without_equals_is_named_by_position_only():
    with pytest.raises(errors.InputError) as caught:
        settings.pairs(['a=1', 'hunter2'])
    assert str(caught.value) == 'expected "key=value", but argument 2 is not'


def test_action_params_are_yaml_and_nest_at_dots():
    read = settings.params(['count=3', 'deep=true', 'a.b=[1, x]', 'a.c=~', 'text="3"'])
    assert read == {'count': 3, 'deep': True, 'a': {'b': [1, 'x'], 'c': None}, 'text': '3'}


def test_action_params_stay_text_when_asked():
    assert settings.params(['count=3'], as_text=True) == {'count': '3'}


@pytest.mark.parametrize(
    ('argument', 'message'),
    [
        ('claim-abc', 'argument "..." must be of the form key.key.key...=value'),
        ('a..b=x', 'argument "a..b" must be of the form key.key.key...=value'),
        ('=x', 'argument "" must be of the form key.key.key...=value'),
        ('token={x', 'argument "token": the value is not YAML'),
    ],
)
def test_action_params_are_refused_without_their_values(argument: str, message: str):
    with pytest.raises(errors.InputError) as caught:
        settings.params([argument])
    assert str(caught.value) == message


def test_a_param_cannot_be_a_value_and_hold_values():
    with pytest.raises(errors.InputError, match=r'argument "a\.b": "a" has a value already'):
        settings.params(['a=1', 'a.b=2'])


def test_a_secret_takes_plain_encoded_and_filed_values(tmp_path: pathlib.Path):
    (tmp_path / 'key.pem').write_text('PEM\n', encoding='utf-8')
    encoded = base64.b64encode(b'hunter2').decode()
    content = settings.secret(
        ['token=abc', f'password#base64={encoded}', 'key-file#file=key.pem'], tmp_path
    )
    assert content == {'token': 'abc', 'password': 'hunter2', 'key-file': 'PEM\n'}


@pytest.mark.parametrize(
    ('argument', 'message'),
    [
        ('T=hunter2', 'secret key "T" not valid'),
        ('token#base64=hunter!', 'secret key "token": the value is not base64'),
        ('token#rot13=hunter2', '"#rot13" is neither #base64 nor #file'),
        ('hunter2', 'expected "key=value", but argument 1 is not'),
    ],
)
def test_a_secret_is_refused_without_its_value(argument: str, message: str):
    with pytest.raises(errors.InputError) as caught:
        settings.secret([argument], HERE)
    assert message in str(caught.value)
    assert 'hunter' not in str(caught.value)


def test_a_missing_secret_file_is_named(tmp_path: pathlib.Path):
    with pytest.raises(errors.JujuError, match='cannot read "absent": No such file'):
        settings.secret(['token#file=absent'], tmp_path)


def test_a_secret_comes_from_a_yaml_file(tmp_path: pathlib.Path):
    (tmp_path / 'secret.yaml').write_text('token: abc\npassword: x=y\n', encoding='utf-8')
    content = settings.secret_file(tmp_path, 'secret.yaml')
    assert content == {'token': 'abc', 'password': 'x=y'}


@pytest.mark.parametrize('text', ['', '- a\n', 'token: 3\n', 'token: {\n'])
def test_a_secret_file_of_another_shape_is_refused(tmp_path: pathlib.Path, text: str):
    (tmp_path / 'secret.yaml').write_text(text, encoding='utf-8')
    with pytest.raises(errors.InputError, match=r'^secret\.yaml: '):
        settings.secret_file(tmp_path, 'secret.yaml')


@pytest.mark.parametrize('text', ['plex:\n  port: 1\n', 'port: 1\n'])
def test_options_come_from_a_file_with_or_without_the_applications_name(
    tmp_path: pathlib.Path, text: str
):
    (tmp_path / 'options.yaml').write_text(text, encoding='utf-8')
    assert settings.option_file(tmp_path, 'options.yaml', 'plex') == {'port': 1}


def test_an_option_file_with_a_list_is_refused(tmp_path: pathlib.Path):
    (tmp_path / 'options.yaml').write_text('port: [1]\n', encoding='utf-8')
    with pytest.raises(errors.InputError, match='option "port" is neither text, number'):
        settings.option_file(tmp_path, 'options.yaml', 'plex')


def test_a_value_can_be_read_from_a_file(tmp_path: pathlib.Path):
    (tmp_path / 'value').write_text('long', encoding='utf-8')
    assert settings.with_files({'a': '@value', 'b': 'x'}, tmp_path) == {'a': 'long', 'b': 'x'}
