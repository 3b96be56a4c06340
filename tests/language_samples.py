"""Small texts in languages that the demo source hardly knows: a few hundred varied lines from sentence templates.

The sentences are our own. A line is drawn from a generator of a fixed seed, so that every call gives the same text.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

HEBREW: tuple[Sequence[str], Mapping[str, str]] = (
    (
        "ה{who} {does} את ה{what} ליד ה{where} {when}.",
        "{when} {who} {does} {what} {kind} מה{where}.",
        "האם ה{who} {does} את ה{what} של {other} {when}?",
        "{other} אמר כי ה{what} ה{kind} נמצא ב{where}.",
        "ליד ה{where} יש {what} {kind}, וה{who} {does} אותו {when}.",
        "כשה{who} בא ל{where}, {other} {does} {what} {kind}.",
    ),
    {
        "who": "ילדה|מורה|שכן|רופאה|איכר|סבתא|נהג|תלמיד|אחות|נגר|סופרת|דייג",
        "other": "יוסף|מרים|דוד|רחל|החבר|הדודה|המנהל|שמואל|הזקן|חנה",
        "does": "מוצאת|קונה|מביאה|רואה|שומרת|מתקנת|מוכרת|שוכחת|בודקת|מציירת|אוספת",
        "what": "ספר|לחם|כיסא|מכתב|שולחן|תפוח|מפתח|שעון|בגד|סל|כלי|דג|כובע|תיק|פרח|סולם",
        "kind": "חדש|ישן|גדול|קטן|יפה|כבד|אדום|ירוק|נקי|שבור|יקר|זול",
        "where": "שוק|ים|בית|נהר|גן|תחנה|כפר|מטבח|חלון|הר|גשר|יער",
        "when": "היום|אתמול|בבוקר|בערב|מחר|בשבוע הבא|לפני שנה|תמיד|לפעמים|אחרי הגשם|בחורף",
    },
)
CHINESE: tuple[Sequence[str], Mapping[str, str]] = (
    (
        "{when},{who}在{where}{does}了{kind}的{what}。",
        "{who}和{other}{when}去{where},想{does}一些{what}。",
        "{other}说:{where}旁边的{what}很{kind}。",
        "{when}下雨以后,{who}没有{does}{what}。",
        "为什么{who}总是在{where}{does}{what}?",
    ),
    {
        "who": "老师|学生|医生|农民|司机|邻居|奶奶|孩子|工人|作家|渔夫|朋友",
        "other": "小明|妈妈|爸爸|校长|叔叔|姐姐|客人|老人|同学|经理",
        "does": "买|卖|看见|找到|修理|打扫|忘记|画|带来|检查|收集|借",
        "what": "书|面包|椅子|信|桌子|苹果|钥匙|手表|衣服|篮子|鱼|帽子|花|梯子|茶叶|雨伞",
        "kind": "新|旧|大|小|漂亮|重|红|绿|干净|贵|便宜|奇怪",
        "where": "市场|海边|家里|河边|花园|车站|学校|村庄|厨房|窗前|山上|桥下",
        "when": "今天|昨天|早上|晚上|明天|下个星期|去年|有时候|冬天|春天|中午",
    },
)
LANGUAGES = {"he": HEBREW, "zh": CHINESE}


def sample_lines(language: str, n: int = 400, *, seed: int = 0) -> list[str]:
    """Return some lines of a language, each drawn from a template and its words."""
    templates, words = LANGUAGES[language]
    drawn = random.Random(f"{language} {seed}")
    return [
        drawn.choice(templates).format(**{slot: drawn.choice(choices.split("|")) for slot, choices in words.items()})
        for _ in range(n)
    ]


def write_sample(folder: Path, language: str, n: int = 400) -> Path:
    """Write a sample as a text file and return its path."""
    path = folder / f"{language}.txt"
    path.write_text("\n".join(sample_lines(language, n)) + "\n", encoding="utf-8")
    return path
